package flowlog

import (
	"bytes"
	"strings"

	"github.com/portannot/portannot/annotate"
)

// Zeek with LogAscii::use_json, all logs with ports. The names have a dot, an
// object or, behind databases and shippers, "_" between id and the rest. Most
// logs do not name the transport. _path names the log, and with it often the
// transport; without it the log shows by the fields that no other one has.

const (
	zeekDoc   = "Zeek: JSON logs https://docs.zeek.org/en/master/log-formats.html"
	zeekAbout = "Zeek, JSON (conn.log and all logs with id.orig_p and id.resp_p)"
	zeekNames = `src=id.orig_h|id_orig_h, sport=id.orig_p|id_orig_p, dst=id.resp_h|id_resp_h, dport=id.resp_p|id_resp_p, proto=proto, time=ts,
		kind=_path, version=version, state=conn_state, history=history, srcpackets=orig_pkts, dstpackets=resp_pkts, srcbytes=orig_ip_bytes, dstbytes=resp_ip_bytes, duration=duration`
)

// zeekFormat makes the row for logs that have some fields beside those of all.
func zeekFormat(given uint8, with ...string) format {
	f := format{
		name: "zeek-json", about: zeekAbout, doc: zeekDoc, fields: zeekNames, given: given,
		protocols: "unknown_transport=0",
		adjust:    zeekPath,
		role:      func(in *annotate.Input, v *values) { zeekRoles(in, v.get(fieldState), v.get(fieldHistory)) },
		outcome: func(r *Record, v *values) annotate.Outcome {
			return zeekOutcome(r.Flow.Protocol, v.get(fieldState), v.get(fieldHistory))
		},
	}
	var know []string
	for _, names := range with {
		for _, id := range []string{"id.orig_p, id.resp_p", "id_orig_p, id_resp_p"} {
			know = append(know, strings.TrimSuffix(id+", "+names, ", "))
		}
	}
	f.know = strings.Join(know, " | ")
	return f
}

var (
	zeekJSON = zeekFormat(0, "")
	// http, ssl, ssh, smtp, ftp, mysql, rdp, smb_files, dce_rpc, ntlm, irc,
	// modbus, rfb
	zeekOverTCP = zeekFormat(6, "trans_depth, method", "trans_depth, status_code", "trans_depth, helo", "trans_depth, mailfrom", "established, resumed", "kex_alg",
		"auth_attempts", "command, reply_code, user", "cmd, success, rows", "security_protocol", "action, name, size", "endpoint, operation", "ntlmv2",
		"server_nb_computer_name", "nick, command", "func, pdu_type", "share_flag, desktop_name")
	// ntp, snmp, quic, tftp
	zeekOverUDP = zeekFormat(17, "stratum, poll", "community, get_requests", "client_initial_dcid", "wrq, mode")
)

// zeekPath takes the transport from the name of the log, and DTLS from the
// version in ssl.log.
func zeekPath(r *Record, v *values) bool {
	if v.get(fieldProtocol) != nil {
		return true
	}
	r.Flow.Protocol = zeekProtocols[string(v.get(fieldKind))]
	if bytes.HasPrefix(v.get(fieldVersion), []byte("DTLS")) {
		r.Flow.Protocol = 17
	}
	return true
}

// zeekServices is known_services.log: hosts that answered on a port, without a
// client.
var zeekServices = format{
	name: "zeek-json", about: zeekAbout, doc: zeekDoc,
	know:   "host, port_num, port_proto",
	fields: "dst=host, dport=port_num, proto=port_proto, time=ts",
	roles:  "*=destination",
}

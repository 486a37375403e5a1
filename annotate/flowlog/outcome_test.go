package flowlog_test

import (
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
)

// TestOutcomes pins what logs say became of a flow, and of how many packets it was.
func TestOutcomes(t *testing.T) {
	const (
		zeek = "#separator \\x09\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\thistory\torig_pkts\tresp_pkts\n" +
			"1757923201.0\t10.0.0.5\t40001\t10.0.1.10\t443\t"
		eve = `{"timestamp":"2026-09-14T09:00:00.000100+0000","event_type":"flow","src_ip":"192.0.2.1","src_port":50000,"dest_ip":"192.0.2.2","dest_port":22,`
		own = `{"source.ip":"10.0.0.1","source.port":40000,"destination.ip":"10.0.0.2","destination.port":22,"network.transport":"tcp","network.packets":7,"portannot":{"service":{"side":"destination","reason":"handshake","confidence":"certain"},"state":`
		aws = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags\n" +
			"2 1 eni-1 203.0.113.5 172.31.5.10 40001 443 6 20 4249 1757923200 1757923260 "
		nf        = "IN=eth0 OUT= SRC=203.0.113.5 DST=192.0.2.10 LEN=60 PROTO=TCP SPT=40123 DPT=22 SYN URGP=0"
		fortigate = `logid="1" type="traffic" srcip=10.0.0.1 srcport=50000 dstip=203.0.113.2 dstport=443 proto=6 `
		hubble    = `{"time":"2026-09-14T09:00:00Z","IP":{"source":"10.0.0.1","destination":"10.0.0.2"},"l4":{"TCP":{"source_port":40000,"destination_port":443,"flags":{"SYN":true}}},"verdict":`
	)
	for _, c := range []struct {
		log     string
		outcome annotate.Outcome
		packets uint64
	}{
		{zeek + "tcp\tSF\tShADadFf\t5\t4", annotate.Answered, 9},
		{zeek + "tcp\tS0\tS\t1\t0", annotate.Attempted, 1},
		{zeek + "tcp\tRSTOS0\tSR\t2\t0", annotate.Attempted, 2},
		{zeek + "tcp\tREJ\tSr\t1\t1", annotate.Refused, 2},
		{zeek + "tcp\tRSTR\tShADadr\t1\t1", annotate.Answered, 2},
		{zeek + "tcp\tOTH\tDadA\t1\t1", annotate.Answered, 2},
		{zeek + "tcp\tOTH\tC\t1\t0", annotate.NoOutcome, 1},
		{zeek + "udp\tS0\tD\t2\t0", annotate.OneWay, 2},
		{zeek + "udp\tSHR\t^d\t0\t2", annotate.OneWay, 2},
		{zeek + "udp\tSF\tDd\t1\t1", annotate.Answered, 2},
		{zeek + "tcp\t-\t-\t-\t-", annotate.NoOutcome, 0},
		{eve + `"proto":"TCP","flow":{"pkts_toserver":5,"pkts_toclient":4},"tcp":{"tcp_flags_tc":"1b"}}`, annotate.Answered, 9},
		{eve + `"proto":"TCP","flow":{"pkts_toserver":1,"pkts_toclient":1,"state":"closed"},"tcp":{"tcp_flags_tc":"14"}}`, annotate.Refused, 2},
		{eve + `"proto":"TCP","flow":{"pkts_toserver":1,"pkts_toclient":1}}`, annotate.NoOutcome, 2},
		{eve + `"proto":"TCP","flow":{"pkts_toserver":3,"pkts_toclient":0,"state":"new"}}`, annotate.Attempted, 3},
		{eve + `"proto":"UDP","flow":{"pkts_toserver":3,"pkts_toclient":0,"state":"new"}}`, annotate.OneWay, 3},
		{eve + `"proto":"TCP","flow":{"pkts_toserver":3,"pkts_toclient":3,"action":"drop"}}`, annotate.Denied, 6},
		{own + `"established"}}`, annotate.Answered, 7},
		{own + `"attempted"}}`, annotate.Attempted, 7},
		{own + `"rejected"}}`, annotate.Refused, 7},
		{own + `"one-way"}}`, annotate.OneWay, 7},
		{own + `"unheard of"}}`, annotate.NoOutcome, 7},
		{aws + "ACCEPT OK 2", annotate.Passed, 20},
		{aws + "ACCEPT OK 19", annotate.Answered, 20},
		{aws + "REJECT OK 2", annotate.Denied, 20},
		{hubble + `"FORWARDED"}`, annotate.Passed, 0},
		{"Sep 14 09:00:00 h kernel: [UFW BLOCK] " + nf, annotate.Denied, 0},
		{"Sep 14 09:00:00 h kernel: [UFW ALLOW] " + nf, annotate.Passed, 0},
		{"Sep 14 09:00:00 h kernel: [1.5] Shorewall:net-fw:DROP:" + nf, annotate.Denied, 0},
		{"Sep 14 09:00:00 h kernel: FINAL_REJECT: " + nf, annotate.Denied, 0},
		{"Sep 14 09:00:00 h kernel: drop or accept: " + nf, annotate.NoOutcome, 0},
		{"Sep 14 09:00:00 h kernel: [UFW AUDIT] " + nf, annotate.NoOutcome, 0},
		{"Sep 14 09:00:00 h kernel: dropbox " + nf, annotate.NoOutcome, 0},
		{fortigate + "action=close", annotate.Answered, 0},
		{fortigate + "action=ip-conn", annotate.Attempted, 0},
		{fortigate + "action=deny", annotate.Denied, 0},
		{fortigate + "action=perhaps", annotate.NoOutcome, 0},
		{`{"jsonPayload":{"connection":{"src_ip":"10.0.0.1","src_port":1,"dest_ip":"10.0.0.2","dest_port":2,"protocol":6},"disposition":"DENIED"}}`, annotate.Denied, 0},
		{`{"records":[{"flows":[{"flowTuples":["1789376402,192.0.2.1,192.0.2.2,50000,443,T,I,D"]}]}]}`, annotate.Denied, 0},
		{`{"records":[{"flows":[{"flowTuples":["1789376402,192.0.2.1,192.0.2.2,50000,443,T,I,A"]}]}]}`, annotate.Passed, 0},
		{hubble + `"DROPPED"}`, annotate.Denied, 0},
		{hubble + `"AUDIT"}`, annotate.NoOutcome, 0},
	} {
		rd := flowlog.NewReader(strings.NewReader(c.log+"\n"), "log")
		found := false
		for rd.Scan() {
			r := rd.Record()
			if r.Kind == flowlog.Bad {
				t.Errorf("%s: %v", c.log, r.Problem())
			}
			if r.Kind != flowlog.Flow {
				continue
			}
			found = true
			if r.Flow.Outcome != c.outcome || r.Flow.Packets != c.packets {
				t.Errorf("%s:\n got %q, %d packets\nwant %q, %d packets", c.log, r.Flow.Outcome, r.Flow.Packets, c.outcome, c.packets)
			}
		}
		if !found {
			t.Errorf("%s: no flow", c.log)
		}
	}
}

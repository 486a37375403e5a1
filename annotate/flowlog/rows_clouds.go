package flowlog

import "bytes"

// Formats of proxies, gateways and sensors that write addresses and ports under
// names of their own.

// envoyJSON is the access log of Envoy and Istio as JSON. A listener accepted the
// connection, so the downstream's remote end is the client.
var envoyJSON = format{
	name: "envoy", about: "Envoy and Istio access logs, JSON and Istio's text",
	doc:       "Envoy: access logging https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage",
	know:      "downstream_local_address, downstream_remote_address",
	fields:    "proto=protocol, src=downstream_remote_address, dst=downstream_local_address, time=start_time",
	protocols: "HTTP/1.0=tcp HTTP/1.1=tcp HTTP/2=tcp HTTP/3=udp -=tcp",
	given:     6,
	roles:     "*=destination",
	adjust:    envoyEnds,
}

var envoyText = format{
	name: "envoy", about: envoyJSON.about,
	doc:     "Istio: Envoy access logs https://istio.io/latest/docs/tasks/observability/logs/access-log/",
	grammar: grammarSentences, begin: "[20", protocols: envoyJSON.protocols,
	given:  6,
	roles:  envoyJSON.roles,
	adjust: envoyEnds,
	sentences: []sentence{
		{"", `\[{time}\] "{} {} {proto}" {} {} {} {} "{*}" {} {} {} {} "{*}" "{*}" "{}" "{}" "{}" {} {} {dst} {src} `, ""},
	},
}

// envoyEnds drops port 0 of a client that a header named.
func envoyEnds(_ *Record, v *values) bool {
	if addr, port := splitPort(v.get(fieldSource)); string(port) == "0" {
		v.put(fieldSource, addr)
	}
	return true
}

// zscaler is the firewall feed of Zscaler's Nanolog streaming service, with the
// names of its fields: c for the client's side, s for the server's. Sessions are
// of a client that Zscaler saw open them.
var zscaler = format{
	name: "zscaler", about: "Zscaler firewall feed, JSON and CSV",
	doc:  "Zscaler: NSS feed output format, firewall logs https://help.zscaler.com/zia/nss-feed-output-format-firewall-logs",
	know: "event.csip, event.cdip, event.csport, event.cdport | csip, cdip, csport, cdport",
	fields: `proto=event.proto|proto, src=event.csip|csip, sport=event.csport|csport, dst=event.cdip|cdip, dport=event.cdport|cdport, outcome=event.action|action,
		natsrc=event.ssip|ssip, natsport=event.ssport|ssport, natdst=event.sdip|sdip, natdport=event.sdport|sdport`,
	roles: "*=destination?",
}

var zscalerCSV = format{
	name: "zscaler", about: zscaler.about,
	doc:     zscaler.doc,
	grammar: grammarBare, seps: ",", quotes: true, more: true,
	order:  "_ _ _ _ cdport csport sdport ssport csip cdip ssip sdip _ tunsport _ action dnat stateful aggregate _ _ proto",
	holds:  "cdport=number, csport=number, sdport=number, ssport=number, tunsport=number, dnat=Yes|No, stateful=Yes|No, aggregate=Yes|No",
	fields: "proto=proto, src=csip, sport=csport, dst=cdip, dport=cdport, outcome=action, natsrc=ssip, natsport=ssport, natdst=sdip, natdport=sdport",
	roles:  zscaler.roles,
}

// cloudflareSessions are Cloudflare's zero trust network sessions, of which the
// origin is the server.
var cloudflareSessions = format{
	name: "cloudflare", about: "Cloudflare zero trust network sessions, JSON",
	doc:  "Cloudflare: zero trust network session logs https://developers.cloudflare.com/logs/reference/log-fields/account/zero_trust_network_sessions/",
	know: "SourceIP, SourcePort, OriginIP, OriginPort",
	fields: `proto=Protocol, src=SourceIP, sport=SourcePort, dst=OriginIP, dport=OriginPort, time=SessionStartTime, end=SessionEndTime,
		natsrc=EgressIP, natsport=EgressPort`,
	roles: "*=destination",
}

// untangle is a session event of Arista's (Untangle's) NG Firewall: C is the
// client's side of it, S the server's.
var untangle = format{
	name: "untangle", about: "Arista NG Firewall (Untangle) session events",
	doc:  "Arista: event definitions https://wiki.edge.arista.com/index.php?title=Event_Definitions",
	know: "CClientAddr, CClientPort, CServerAddr, CServerPort | sessionEvent.CClientAddr, sessionEvent.CClientPort, sessionEvent.CServerAddr, sessionEvent.CServerPort",
	fields: `proto=protocol|sessionEvent.protocol, src=CClientAddr|sessionEvent.CClientAddr, sport=CClientPort|sessionEvent.CClientPort,
		dst=CServerAddr|sessionEvent.CServerAddr, dport=CServerPort|sessionEvent.CServerPort, natsrc=SClientAddr|sessionEvent.SClientAddr,
		natsport=SClientPort|sessionEvent.SClientPort, natdst=SServerAddr|sessionEvent.SServerAddr, natdport=SServerPort|sessionEvent.SServerPort`,
	roles: "*=destination",
}

// snortCSV is Snort 2's alerts as CSV, with the default fields. Dates have no year.
var snortCSV = format{
	name: "snort-csv", about: "Snort alerts, CSV with the default fields",
	doc:     "Snort: README.csv https://www.snort.org/document/readme-csv",
	grammar: grammarBare, seps: ",", quotes: true, more: true,
	order:  "_ gid sid rev _ proto src sport dst dport ethsrc ethdst",
	holds:  "gid=number, sid=number, rev=number, proto=TCP|UDP|ICMP|IP",
	fields: "proto=proto, src=src, sport=sport, dst=dst, dport=dport",
	oneWay: true,
	adjust: func(r *Record, v *values) bool {
		if v.is(fieldProtocol, "IP") {
			r.other()
			return false
		}
		return true
	},
}

// umbrella is the cloud firewall log of Cisco Umbrella and Secure Access.
var umbrella = format{
	name: "umbrella", about: "Cisco Umbrella and Secure Access cloud firewall, CSV",
	doc:     "Cisco: cloud firewall log formats https://docs.sse.cisco.com/sse-user-guide/docs/cloud-firewall-log-formats",
	grammar: grammarBare, seps: ",", quotes: true, more: true,
	order:  "_ _ _ _ direction proto size src sport dst dport _ rule action",
	holds:  "direction=INBOUND|OUTBOUND, size=number, action=ALLOW|BLOCK",
	fields: "proto=proto, src=src, sport=sport, dst=dst, dport=dport, outcome=action",
	oneWay: true,
	adjust: func(_ *Record, v *values) bool { // a space before a quote is no quote
		for _, f := range [...]field{fieldSourcePort, fieldDestinationPort, fieldSource, fieldDestination} {
			v.put(f, bytes.Trim(v.get(f), `" `))
		}
		return true
	},
}

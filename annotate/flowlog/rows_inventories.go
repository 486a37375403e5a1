package flowlog

import "bytes"

// Formats of inventories: each record is a port on which a service listens, or
// that is open, and has no client.

// ss of iproute2 lists sockets. Of those that listen (TCP) or are not connected
// (UDP) the local end is the service. Of a connection ss does not say which end
// began it.
var ssListening = format{
	name: "ss", about: "ss -tulpn, listening sockets",
	doc:     "ss(8), iproute2 https://man7.org/linux/man-pages/man8/ss.8.html",
	grammar: grammarSentences, begin: "tcp |udp |sctp |Netid ", aligned: true,
	outcomes: "answered=answered",
	roles:    "state: LISTEN=destination UNCONN=destination",
	sentences: []sentence{
		{"", "tcp LISTEN {} {} {dst} {}", "proto=tcp, state=LISTEN"},
		{"", "udp UNCONN {} {} {dst} {}", "proto=udp, state=UNCONN"},
		{"", "sctp LISTEN {} {} {dst} {}", "proto=sctp, state=LISTEN"},
		{"", "tcp ESTAB {} {} {src} {dst}", "proto=tcp, outcome=answered"},
		{"", "udp ESTAB {} {} {src} {dst}", "proto=udp"},
	},
	adjust: func(_ *Record, v *values) bool {
		for _, x := range [...][2]field{{fieldSource, fieldSourcePort}, {fieldDestination, fieldDestinationPort}} {
			text := v.get(x[0])
			at := bytes.LastIndexByte(text, ':')
			if at < 0 {
				continue
			}
			addr := bytes.Trim(text[:at], "[]")
			addr, _, _ = bytes.Cut(addr, []byte{'%'}) // an interface
			v.put(x[0], addr)
			v.put(x[1], text[at+1:])
		}
		return true
	},
}

// masscan's JSON has an object for each port that it found, in an array of one.
var masscanJSON = format{
	name: "masscan", about: "masscan -oJ and -oL, open ports",
	doc:      "masscan(8) https://github.com/robertdavidgraham/masscan",
	know:     "ip, ports.port, timestamp",
	fields:   "dst=ip, dport=ports.port, proto=ports.proto, kind=ports.status, epoch=timestamp",
	outcomes: "open=answered",
	roles:    "kind: open=destination",
	adjust: func(r *Record, v *values) bool {
		if !v.is(fieldKind, "open") { // a banner, or a port that is closed
			r.Kind = Other
			return false
		}
		v.put(fieldOutcome, v.get(fieldKind))
		return true
	},
}

// masscanList is its list: open tcp 80 192.0.2.1 1390380064.
var masscanList = format{
	name: "masscan", about: masscanJSON.about,
	doc:     masscanJSON.doc,
	grammar: grammarSentences, begin: "open tcp |open udp |open sctp |banner tcp |banner udp ",
	outcomes: "open=answered",
	roles:    "state: open=destination",
	sentences: []sentence{
		{"", "open tcp {dport} {dst} {time}", "proto=tcp, state=open, outcome=answered"},
		{"", "open udp {dport} {dst} {time}", "proto=udp, state=open, outcome=answered"},
		{"", "open sctp {dport} {dst} {time}", "proto=sctp, state=open, outcome=answered"},
	},
}

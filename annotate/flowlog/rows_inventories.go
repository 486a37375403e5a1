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

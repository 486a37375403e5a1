package main

import "time"

// observed is a flow for each thing that the payload may say of a registration:
// agree, contradict, be of no use; and for each way in which it is hard to see.
func observed() *recording {
	r := newRecording(linkEthernet)
	pause := func() { r.wait(50 * time.Millisecond) }
	talk := func(src, dst string, say ...string) {
		f := r.flow(protoTCP, src, dst, want{"established", "destination"})
		f.open()
		for i, s := range say {
			if s != "" {
				f.say(direction(i%2), s)
			}
		}
		pause()
	}
	// snap leaves n octets of the last frame but back, as a snap length does.
	snap := func(back, n int) {
		at := &r.frames[len(r.frames)-1-back]
		at.data = at.data[:n]
	}

	// Consistent: mail that asks to go on in TLS, and a ClientHello in two
	// segments, of which the second comes first and then again.
	talk("10.40.0.1:50001", "10.40.0.25:587", "", "220 mail.example.com ESMTP\r\n", "EHLO client.example.com\r\n",
		"250-mail.example.com\r\n250 STARTTLS\r\n", "STARTTLS\r\n", "220 ready\r\n")
	f := r.flow(protoTCP, "10.40.0.1:50002", "10.40.0.2:443", want{"established", "destination"})
	f.open()
	hello := clientHello("split.example.com")
	start := f.seq[out]
	f.seq[out] += 100
	f.tcp(out, psh|ack, hello[100:])
	f.seq[out] = start
	f.tcp(out, psh|ack, hello[:100])
	f.tcp(out, psh|ack, hello[100:])
	f.tcp(back, ack, "")
	f.say(back, serverHello()+tlsData(600))
	pause()

	// Contradicts: HTTP where DNS is registered, TLS where SSH is.
	talk("10.40.0.1:50003", "10.40.0.3:53", "GET /exfiltrate HTTP/1.1\r\nHost: tunnel.example.com\r\n\r\n", httpReply("text/plain", "ok\n"))
	talk("10.40.0.1:50004", "10.40.0.3:22", clientHello("hidden.example.com"), serverHello()+tlsData(300))

	// Undecided: TLS on http-alt, as some do; HTTP on a port that nobody has;
	// and on one whose service nobody here knows, with a host that is a trap
	// for terminals and spreadsheets.
	talk("10.40.0.1:50005", "10.40.0.4:8080", clientHello("alt.example.com"), serverHello()+tlsData(300))
	talk("10.40.0.1:50006", "10.40.0.4:4", "GET / HTTP/1.1\r\nHost: four.example.com\r\n\r\n", httpReply("text/plain", "4\n"))
	talk("10.40.0.1:50007", "10.40.0.4:4711", "GET / HTTP/1.1\r\nHost: =1+1,\"\x1b[2J\\\xff\r\n\r\n", httpReply("text/plain", "trap\n"))

	// Unrecognised, and no payload at all.
	talk("10.40.0.1:50008", "10.40.0.5:443", filler(200), filler(300))
	talk("10.40.0.1:50009", "10.40.0.5:443")

	// Truncated: headers only, and a first segment that is not there.
	f = r.flow(protoTCP, "10.40.0.1:50010", "10.40.0.6:443", want{"established", "destination"})
	f.open()
	f.say(out, clientHello("snapped.example.com"))
	snap(1, 14+20+20+4)
	pause()
	f = r.flow(protoTCP, "10.40.0.1:50011", "10.40.0.6:443", want{"established", "destination"})
	f.open()
	f.seq[out] += 517
	f.say(out, tlsData(80))
	pause()

	// The payload decides the side: an answer of HTTP between two dynamic
	// ports, seen midway; and a question to a DNS server on 30053, sent from
	// port 53 as some firewalls want it.
	f = r.flow(protoTCP, "10.40.0.7:60080", "10.40.0.1:50012", want{"midstream", "source"})
	f.say(out, httpReply("text/plain", "midway\n"))
	pause()
	f = r.flow(protoUDP, "10.40.0.1:53", "10.40.0.7:30053", want{"established", "destination"})
	f.udp(out, dnsQuery(0x4711, "www.example.com"))
	f.udp(back, dnsAnswer(0x4711, "www.example.com", [4]byte{203, 0, 113, 80}))
	return r
}

package main

import "time"

// demo is a quarter of a minute of a small network, 10.20.0.0/24 and
// 2001:db8:20::/64, with one flow for each thing that makes port numbers
// misleading. Its order is the order of the program's output.
func demo() *recording {
	r := newRecording(linkEthernet)
	pause := func() { r.wait(350 * time.Millisecond) }

	// A lease, a name and a page: nothing unusual. The offer is a flow of its
	// own, since it goes to everyone and not to 0.0.0.0.
	r.flow(protoUDP, "0.0.0.0:68", "255.255.255.255:67", want{"one-way", "destination"}).udp(out, dhcp(1, 1))
	r.flow(protoUDP, "10.20.0.1:67", "255.255.255.255:68", want{"one-way", "source"}).udp(out, dhcp(2, 2))
	pause()

	f := r.flow(protoUDP, "10.20.0.11:51514", "10.20.0.53:53", want{"established", "destination"})
	f.udp(out, dnsQuery(0x2b1c, "www.example.com"))
	f.udp(back, dnsAnswer(0x2b1c, "www.example.com", [4]byte{203, 0, 113, 80}))
	pause()

	// The client's port, 44818, is registered too: to EtherNet/IP. Linux hands
	// out 32768 to 60999.
	f = r.flow(protoTCP, "10.20.0.11:44818", "203.0.113.80:443", want{"closed", "destination"})
	f.open()
	f.say(out, clientHello("www.example.com"))
	f.say(back, serverHello()+tlsData(900))
	f.say(out, tlsData(180))
	f.say(back, tlsData(1200))
	f.close(out)
	pause()

	f = r.flow(protoTCP, "[2001:db8:20::11]:51812", "[2001:db8:80::443]:443", want{"established", "destination"})
	f.open()
	f.say(out, clientHello("www.example.org"))
	f.say(back, serverHello()+tlsData(700))
	pause()

	// One port, three names: http, www, www-http.
	f = r.flow(protoTCP, "10.20.0.12:50080", "203.0.113.80:80", want{"closed", "destination"})
	f.open()
	f.say(out, "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
	f.say(back, httpReply("text/plain", "hello\n"))
	f.close(back)
	pause()

	// Both ports are registered, and both to MySQL: mysqlx and mysql.
	f = r.flow(protoTCP, "10.20.0.12:33060", "10.20.0.20:3306", want{"established", "destination"})
	f.open()
	f.say(back, mysqlGreeting())
	f.say(out, "\x01\x00\x00\x01\x0e")
	pause()

	// Port 443, but the first words are those of SSH.
	f = r.flow(protoTCP, "10.20.0.11:50443", "198.51.100.22:443", want{"established", "destination"})
	f.open()
	f.say(back, "SSH-2.0-OpenSSH_9.9\r\n")
	f.say(out, "SSH-2.0-OpenSSH_9.9\r\n")
	pause()

	f = r.flow(protoTCP, "10.20.0.12:52022", "10.20.0.20:22", want{"refused", "destination"})
	f.tcp(out, syn, "")
	f.tcp(back, rst|ack, "")
	pause()

	// Registered since the edition of 2026-08-17; earlier ones say unassigned.
	f = r.flow(protoTCP, "10.20.0.12:51434", "10.20.0.20:11434", want{"closed", "destination"})
	f.open()
	f.say(out, httpPost("10.20.0.20:11434", "/api/generate", `{"model":"m","prompt":"what is port 443?"}`))
	f.say(back, httpReply("application/json", `{"response":"it depends"}`))
	f.close(out)
	pause()

	// 6000 to 6063 are X11's, with unauthorized use reported on 6003 alone.
	f = r.flow(protoTCP, "10.20.0.11:58003", "10.20.0.20:6003", want{"reset", "destination"})
	f.open()
	f.say(out, filler(40))
	f.tcp(back, rst|ack, "")
	pause()

	// SCTP: a flow export to 4739, and a base station on VLAN 30, whose port
	// 38412 is assigned on SCTP and reserved on TCP and UDP.
	f = r.flow(protoSCTP, "10.20.0.1:61739", "10.20.0.30:4739", want{"closed", "destination"})
	f.associate()
	f.message(out, ppidIPFIX, ipfix())
	f.shutdown(out)
	pause()
	f = r.flow(protoSCTP, "10.30.0.5:36997", "10.30.0.1:38412", want{"established", "destination"}, 30)
	f.associate()
	f.message(out, ppidNGAP, ngSetupRequest())
	f.message(back, ppidNGAP, "\x20\x15\x00\x08\x00\x00\x01\x00\x1b\x00\x01\x00")
	pause()

	// Equal ports: peers in NTP's symmetric mode, and a question to all.
	f = r.flow(protoUDP, "10.20.0.1:123", "203.0.113.123:123", want{"established", "both"})
	f.udp(out, ntp(1, 3))
	f.udp(back, ntp(1, 2))
	pause()
	r.flow(protoUDP, "10.20.0.11:5353", "224.0.0.251:5353", want{"one-way", "destination"}).udp(out, mdnsQuery("_ipp._tcp.local"))
	pause()

	// No handshake in the capture: it was under way already, and the first
	// packet seen is the server's.
	f = r.flow(protoTCP, "10.20.0.20:445", "10.20.0.12:49800", want{"midstream", "source"})
	f.say(out, filler(120))
	f.say(back, filler(70))
	pause()

	// Two ports from the dynamic range: no registry can tell.
	f = r.flow(protoUDP, "10.20.0.11:52000", "198.51.100.9:60001", want{"established", "none"})
	f.udp(out, filler(90))
	f.udp(back, filler(60))
	f.udp(out, filler(91))
	pause()

	// A stranger tries ports that nobody answers on: 2 de-assigned, 4
	// unassigned, 1023 reserved, 5555 with unauthorized use. All from one port.
	for _, to := range []string{"10.20.0.20:2", "10.20.0.20:4", "10.20.0.20:1023", "10.20.0.20:5555"} {
		r.flow(protoTCP, "198.51.100.66:40000", to, want{"attempted", "destination"}).tcp(out, syn, "")
	}
	return r
}

package main

import (
	"fmt"
	"time"
)

// reviewBegin is when the captures for reviews begin: before 11434/tcp was
// registered, on 2025-09-26.
var reviewBegin = time.Date(2025, 9, 15, 8, 0, 0, 0, time.UTC)

// site is a recording of a small company: offices 10.40.0.0/24, servers
// 10.40.1.0/24, administrators 10.40.9.0/24.
type site struct{ *recording }

func newSite(begin time.Time) *site {
	r := newRecording(linkEthernet)
	r.now = begin
	return &site{r}
}

// tcp is a connection in which the client speaks first, closed in order.
func (s *site) tcp(client, server, ask, reply string) {
	f := s.flow(protoTCP, client, server, want{"closed", "destination"})
	f.open()
	f.say(out, ask)
	f.say(back, reply)
	f.close(out)
	s.wait(97 * time.Second)
}

// udp is a question and its answer.
func (s *site) udp(client, server, ask, reply string) {
	f := s.flow(protoUDP, client, server, want{"established", "destination"})
	f.udp(out, ask)
	f.udp(back, reply)
	s.wait(31 * time.Second)
}

// tls is a connection that carries TLS.
func (s *site) tls(client, server string) {
	s.tcp(client, server, clientHello("www.example.com"), serverHello()+tlsData(700))
}

// everyday is what both captures have: services that are expected, allowed, and
// registered for what they are.
func (s *site) everyday(port int) {
	at := func(host string) string { port++; return fmt.Sprintf("%s:%d", host, port) }
	s.udp(at("10.40.0.11"), "10.40.1.53:53", dnsQuery(0x51c1, "www.example.com"), dnsAnswer(0x51c1, "www.example.com", [4]byte{10, 40, 1, 80}))
	s.udp(at("10.40.0.12"), "10.40.1.53:53", dnsQuery(0x51c2, "wiki.example.com"), dnsAnswer(0x51c2, "wiki.example.com", [4]byte{10, 40, 1, 81}))
	s.tcp(at("10.40.0.11"), "10.40.1.53:53", string(be16(33))+dnsQuery(0x51c3, "www.example.com"), string(be16(49))+dnsAnswer(0x51c3, "www.example.com", [4]byte{10, 40, 1, 80}))
	s.tls(at("10.40.0.11"), "10.40.1.80:443")
	s.tls(at("203.0.113.7"), "10.40.1.80:443")
	s.tls(at("203.0.113.8"), "10.40.1.80:443")
	s.tcp(at("203.0.113.8"), "10.40.1.80:80", "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n", httpReply("text/html", "<p>moved</p>\n"))
	s.tls(at("[2001:db8:77::7]"), "[2001:db8:40:1::80]:443")
	s.tcp(at("203.0.113.25"), "10.40.1.25:25", "EHLO mail.example.net\r\n", "250 mail.example.com\r\n")
	s.tls(at("10.40.0.12"), "10.40.1.25:993")
	s.tcp(at("10.40.9.2"), "10.40.1.22:22", "SSH-2.0-OpenSSH_9.9\r\n", "SSH-2.0-OpenSSH_9.9\r\n")
	s.udp(at("10.40.1.80"), "10.40.1.123:123", ntp(3, 0), ntp(4, 2))
	f := s.flow(protoUDP, at("10.40.1.80"), "10.40.1.51:514", want{"one-way", "destination"})
	f.udp(out, "<30>Sep 15 08:12:01 www httpd: ready")
	f.udp(out, "<30>Sep 15 08:12:02 www httpd: GET /")
	s.wait(31 * time.Second)
	s.tcp(at("10.40.1.80"), "10.40.1.33:3306", "\x01\x00\x00\x01\x0e", mysqlGreeting())
	s.tcp(at("10.40.0.13"), "10.40.1.38:389", "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00")
	f = s.flow(protoSCTP, at("10.40.2.7"), "10.40.2.5:38412", want{"closed", "destination"})
	f.associate()
	f.message(out, ppidNGAP, ngSetupRequest())
	f.shutdown(out)
	s.wait(97 * time.Second)
}

// review has one service for each finding that a review makes, among services
// that it has nothing to say of. testdata/review has the policy and the rules.
func reviewed() *recording {
	s := newSite(reviewBegin)
	s.everyday(50000)

	// Nothing expects it; the rules allow it with a range of 111 ports.
	s.tcp("10.40.0.14:50101", "10.40.1.80:8080", "GET /status HTTP/1.1\r\nHost: www.example.com\r\n\r\n", httpReply("text/plain", "up\n"))
	// Expected, but not from this client.
	s.tcp("10.40.1.81:50102", "10.40.1.33:3306", "\x01\x00\x00\x01\x0e", mysqlGreeting())
	// Expected, and the rules have nothing for it.
	for i := range 3 {
		s.tcp(fmt.Sprintf("10.40.0.15:%d", 50103+i), "10.40.1.60:3389", "\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00", "\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00")
	}
	// An attempt that the rules deny, as they should.
	s.flow(protoTCP, "10.40.0.16:50106", "10.40.1.60:5985", want{"attempted", "destination"}).tcp(out, syn, "")
	s.wait(31 * time.Second)
	// The exception ended in June.
	s.tcp("10.40.0.14:50107", "10.40.1.70:21", "USER anonymous\r\n", "331 say who you are\r\n")
	// The wiki was on 8090.
	s.tcp("10.40.0.11:50108", "10.40.1.81:8091", "GET /wiki HTTP/1.1\r\nHost: wiki.example.com\r\n\r\n", httpReply("text/html", "<p>wiki</p>\n"))
	s.tcp("10.40.0.12:50109", "10.40.1.81:8091", "GET /wiki HTTP/1.1\r\nHost: wiki.example.com\r\n\r\n", httpReply("text/html", "<p>wiki</p>\n"))
	// What the registry has to say of ports, in the order of its statuses.
	for i, to := range []string{"10.40.1.61:2", "10.40.1.62:1023", "10.40.1.63:4", "10.40.1.64:50051", "10.40.1.65:38412", "10.40.1.66:5555", "10.40.1.67:11434"} {
		s.tcp(fmt.Sprintf("10.40.0.17:%d", 50110+i), to, filler(40), filler(90))
	}
	// A rule for it says ssh.
	s.tcp("10.40.0.18:50120", "10.40.1.23:2222", "SSH-2.0-OpenSSH_9.9\r\n", "SSH-2.0-OpenSSH_9.9\r\n")
	// Under way already: nothing tells who serves, for that one port is assigned does not.
	f := s.flow(protoTCP, "10.40.0.19:4607", "10.40.1.36:5432", want{"midstream", "destination"})
	f.say(out, filler(60))
	f.say(back, filler(120))
	s.wait(31 * time.Second)
	// Two dynamic ports.
	f = s.flow(protoUDP, "10.40.0.11:52000", "198.51.100.9:60001", want{"established", "none"})
	f.udp(out, filler(90))
	f.udp(back, filler(60))
	s.wait(31 * time.Second)
	// It answered a week ago.
	f = s.flow(protoTCP, "203.0.113.25:50130", "10.40.1.26:25", want{"refused", "destination"})
	f.tcp(out, syn, "")
	f.tcp(back, rst|ack, "")
	s.wait(31 * time.Second)
	// Somebody reaches a shell where mailboxes are expected.
	s.tcp("10.40.0.20:50131", "10.40.1.25:993", "SSH-2.0-OpenSSH_9.9\r\n", "SSH-2.0-OpenSSH_9.9\r\n")
	// A stranger tries what nobody answers.
	for i := range 24 {
		s.flow(protoTCP, "198.51.100.66:40000", fmt.Sprintf("10.40.1.80:%d", 9000+i), want{"attempted", "destination"}).tcp(out, syn, "")
	}
	return s.recording
}

// reviewedBefore is the same network a week earlier: what a later review is
// compared with.
func reviewedBefore() *recording {
	s := newSite(reviewBegin.AddDate(0, 0, -7))
	s.everyday(51000)
	for i, to := range []string{"10.40.1.60:3389", "10.40.1.70:21", "10.40.1.61:2", "10.40.1.62:1023", "10.40.1.63:4", "10.40.1.64:50051",
		"10.40.1.65:38412", "10.40.1.66:5555", "10.40.1.67:11434", "10.40.1.23:2222", "10.40.1.36:5432"} {
		s.tcp(fmt.Sprintf("10.40.0.17:%d", 51110+i), to, filler(40), filler(90))
	}
	s.tcp("203.0.113.25:51130", "10.40.1.26:25", "EHLO mail.example.net\r\n", "250 mail.example.com\r\n")
	s.tcp("10.40.0.11:51131", "10.40.1.81:8090", "GET /wiki HTTP/1.1\r\nHost: wiki.example.com\r\n\r\n", httpReply("text/html", "<p>wiki</p>\n"))
	s.tcp("10.40.0.12:51132", "10.40.1.81:8090", "GET /wiki HTTP/1.1\r\nHost: wiki.example.com\r\n\r\n", httpReply("text/html", "<p>wiki</p>\n"))
	s.tcp("10.40.9.2:51133", "10.40.1.91:23", "\xff\xfb\x18", "\xff\xfd\x18login: ")
	return s.recording
}

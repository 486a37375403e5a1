package main

import (
	"fmt"
	"strings"
)

// Payloads that look like the protocols they stand for: well formed as far as
// a recogniser may check, with nothing real in them.

// dnsName writes a domain name as labels (RFC 1035 section 3.1).
func dnsName(name string) string {
	var b strings.Builder
	for label := range strings.SplitSeq(name, ".") {
		b.WriteByte(byte(len(label)))
		b.WriteString(label)
	}
	return b.String() + "\x00"
}

// dnsQuery asks for the A record of name.
func dnsQuery(id uint16, name string) string {
	return string(be16(id, 0x0100, 1, 0, 0, 0)) + dnsName(name) + string(be16(1, 1))
}

// dnsAnswer answers dnsQuery with one address, 300 seconds to live.
func dnsAnswer(id uint16, name string, addr [4]byte) string {
	return string(be16(id, 0x8180, 1, 1, 0, 0)) + dnsName(name) + string(be16(1, 1)) +
		string(be16(0xc00c, 1, 1)) + string(be32(300)) + string(be16(4)) + string(addr[:])
}

// mdnsQuery asks the link for the pointers of a service type; the identifier
// is zero (RFC 6762 section 18.1).
func mdnsQuery(service string) string {
	return string(be16(0, 0, 1, 0, 0, 0)) + dnsName(service) + string(be16(12, 1))
}

// filler gives n octets that look like nothing.
func filler(n int) string {
	b := make([]byte, n)
	x := uint32(n)*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x >> 8)
	}
	return string(b)
}

// vector16 puts a two-octet length before s, vector8 a one-octet one, as TLS
// does for its variable-length vectors (RFC 8446 section 3.4).
func vector16(s string) string { return string(be16(uint16(len(s)))) + s }
func vector8(s string) string  { return string([]byte{byte(len(s))}) + s }

// tlsRecord makes one TLS record.
func tlsRecord(kind byte, version uint16, body string) string {
	return string([]byte{kind}) + string(be16(version)) + vector16(body)
}

// tlsHandshake makes a handshake message in a record of its own.
func tlsHandshake(kind byte, version uint16, body string) string {
	n := len(body)
	return tlsRecord(22, version, string([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)})+body)
}

// clientHello offers TLS 1.3 and 1.2 to the named server.
func clientHello(server string) string {
	name := vector16(string([]byte{0}) + vector16(server)) // server_name: one host name
	extensions := string(be16(0)) + vector16(name) +
		string(be16(43)) + vector16(vector8(string(be16(0x0304, 0x0303)))) + // supported_versions
		string(be16(16)) + vector16(vector16(vector8("h2")+vector8("http/1.1"))) // application protocols
	return tlsHandshake(1, 0x0301, string(be16(0x0303))+filler(32)+vector8("")+
		vector16(string(be16(0x1301, 0x1302, 0xc02f)))+vector8("\x00")+vector16(extensions))
}

// serverHello takes TLS 1.3.
func serverHello() string {
	extensions := string(be16(43)) + vector16(string(be16(0x0304)))
	return tlsHandshake(2, 0x0303, string(be16(0x0303))+filler(32)+vector8("")+string(be16(0x1301))+"\x00"+vector16(extensions))
}

// tlsData is n octets of encrypted application data.
func tlsData(n int) string { return tlsRecord(23, 0x0303, filler(n)) }

// ntp is a packet of NTP version 4 in the given mode: 3 a client's, 4 a
// server's (RFC 5905 section 7.3).
func ntp(mode, stratum byte) string {
	return string([]byte{4<<3 | mode, stratum, 6, 0xe9}) + strings.Repeat("\x00", 36) + "\xee\x52\x1a\x90\x12\x34\x56\x78"
}

// dhcp is a message with the given op (1 from a client, 2 from a server) and
// message type (RFC 2131, RFC 2132).
func dhcp(op, messageType byte) string {
	return string([]byte{op, 1, 6, 0}) + string(be32(0x3903f326)) + strings.Repeat("\x00", 20) +
		"\x02\x00\x0a\x14\x00\x0c" + strings.Repeat("\x00", 10+64+128) + "\x63\x82\x53\x63" +
		string([]byte{53, 1, messageType, 255})
}

// ipfix is a message with one template set (RFC 7011 section 3): template 256
// of the source and destination IPv4 addresses.
func ipfix() string {
	set := string(be16(2, 16, 256, 2, 8, 4, 12, 4))
	return string(be16(10, uint16(16+len(set)))) + string(be32(uint32(begin.Unix()), 0, 1)) + set
}

// ngSetupRequest begins like an NG Setup Request of NGAP (3GPP TS 38.413):
// initiating message, procedure 21, reject.
func ngSetupRequest() string { return "\x00\x15\x00\x10\x00\x00\x01\x00\x1b\x00\x09\x00" + filler(8) }

// mysqlGreeting is the server's first packet: protocol version 10.
func mysqlGreeting() string {
	body := "\x0a" + "8.4.2\x00" + "\x2a\x00\x00\x00" + "abcdefgh\x00" + "\xff\xff\xff\x02\x00\xff\xdf\x15" +
		strings.Repeat("\x00", 10) + "ijklmnopqrst\x00" + "caching_sha2_password\x00"
	return string([]byte{byte(len(body)), 0, 0, 0}) + body
}

// httpReply is a 200 with a body.
func httpReply(contentType, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", contentType, len(body), body)
}

// httpPost is a request with a JSON body.
func httpPost(host, path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, host, len(body), body)
}

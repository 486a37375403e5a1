package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// An opening is the first payload of each end of a flow, as a real client and
// server send it.
type opening struct {
	sent        [2][]byte // the client's, the server's
	serverFirst bool
}

// randomShare is the share of flows, of those whose port has an opening, that
// begin with other bytes nevertheless.
const randomShare = 0.1

// leastPackets is how many packets a flow of recognised traffic has at least:
// handshake, an opening of each end, and what closes it.
const leastPackets = 8

// open gives the flow's opening, which its port chooses, or nil where its ends
// begin with other bytes. The same flow always gets the same one.
func (f *flow) open() *opening {
	r := rng(mix(uint64(f.pa)<<32 ^ uint64(f.pb)<<16 ^ binary.BigEndian.Uint64(f.a[:]) ^ binary.BigEndian.Uint64(f.b[8:]) ^ uint64(binary.BigEndian.Uint32(f.b[:]))))
	if r.p(randomShare) {
		return nil
	}
	make, ok := map[uint8]map[uint16]func(r *rng) *opening{tcp: tcpOpenings, udp: udpOpenings}[f.proto][f.pb]
	if !ok {
		return nil
	}
	return make(&r)
}

var (
	tcpOpenings = map[uint16]func(r *rng) *opening{
		443: openTLS, 8443: openTLS, 993: openTLS, 636: openTLS,
		80: openHTTP, 8080: openHTTP,
		22: openSSH, 25: openSMTP, 21: openFTP, 110: openPOP3, 143: openIMAP,
	}
	udpOpenings = map[uint16]func(r *rng) *opening{53: openDNS, 443: openQUIC, 123: openNTP, 3478: openSTUN}
)

func (r *rng) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.u64())
	}
	return b
}

// host gives the name of a server: a few are asked for often.
func (r *rng) host() string {
	return fmt.Sprintf("www%d.example.%s", r.n(1+r.n(5000)), []string{"com", "net", "org"}[r.n(3)])
}

func text(serverFirst bool, client, server string) *opening {
	return &opening{sent: [2][]byte{[]byte(client), []byte(server)}, serverFirst: serverFirst}
}

func vec8(b []byte) []byte  { return append([]byte{byte(len(b))}, b...) }
func vec16(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
func vec24(b []byte) []byte { return append([]byte{byte(len(b) >> 16)}, vec16(b)...) }

func extension(kind uint16, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, kind), vec16(body)...)
}

// clientHello is RFC 8446 section 4.1.2.
func clientHello(r *rng, alpn string) []byte {
	extensions := slices.Concat(
		extension(0, vec16(append([]byte{0}, vec16([]byte(r.host()))...))),
		extension(10, vec16([]byte{0, 0x1d, 0, 0x17, 0, 0x18})),
		extension(13, vec16([]byte{4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1})),
		extension(16, vec16(vec8([]byte(alpn)))),
		extension(43, vec8([]byte{3, 4, 3, 3})),
		extension(51, vec16(append([]byte{0, 0x1d}, vec16(r.bytes(32))...))))
	return append([]byte{1}, vec24(slices.Concat([]byte{3, 3}, r.bytes(32), vec8(r.bytes(32)),
		vec16([]byte{0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2b, 0xc0, 0x2f}), []byte{1, 0}, vec16(extensions)))...)
}

// serverHello is RFC 8446 section 4.1.3.
func serverHello(r *rng) []byte {
	extensions := slices.Concat(extension(43, []byte{3, 4}), extension(51, append([]byte{0, 0x1d}, vec16(r.bytes(32))...)))
	return append([]byte{2}, vec24(slices.Concat([]byte{3, 3}, r.bytes(32), vec8(r.bytes(32)), []byte{0x13, 1, 0}, vec16(extensions)))...)
}

func openTLS(r *rng) *opening {
	server := slices.Concat([]byte{22, 3, 3}, vec16(serverHello(r)), []byte{20, 3, 3, 0, 1, 1}, []byte{23, 3, 3}, vec16(r.bytes(600)))
	return &opening{sent: [2][]byte{append([]byte{22, 3, 1}, vec16(clientHello(r, "h2"))...), server}}
}

func openHTTP(r *rng) *opening {
	n := 200 + r.n(20000)
	return text(false,
		fmt.Sprintf("GET /%x/index.html HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n", r.u64(), r.host()),
		fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n<!DOCTYPE html><html><head>", n))
}

func openSSH(r *rng) *opening {
	return text(true, "SSH-2.0-OpenSSH_9.6\r\n", fmt.Sprintf("SSH-2.0-OpenSSH_%d.%dp1\r\n", 7+r.n(3), r.n(10)))
}

func openSMTP(r *rng) *opening {
	return text(true, "EHLO "+r.host()+"\r\n", "220 "+r.host()+" ESMTP Postfix\r\n")
}

func openFTP(r *rng) *opening {
	return text(true, "USER anonymous\r\n", "220 "+r.host()+" FTP server ready\r\n")
}

func openPOP3(r *rng) *opening {
	return text(true, "CAPA\r\n", "+OK POP3 "+r.host()+" ready\r\n")
}

func openIMAP(r *rng) *opening {
	return text(true, "a001 CAPABILITY\r\n", "* OK [CAPABILITY IMAP4rev1 STARTTLS] "+r.host()+" ready\r\n")
}

// openDNS is RFC 1035 section 4: a question for an address and its answer.
func openDNS(r *rng) *opening {
	id, name := uint16(r.u64()), []byte(nil)
	start := 0
	host := r.host() + "."
	for i := range len(host) {
		if host[i] == '.' {
			name, start = append(name, vec8([]byte(host[start:i]))...), i+1
		}
	}
	question := append(append(name, 0), 0, 1, 0, 1)
	head := func(flags, answers uint16) []byte {
		b := binary.BigEndian.AppendUint16(nil, id)
		for _, v := range []uint16{flags, 1, answers, 0, 0} {
			b = binary.BigEndian.AppendUint16(b, v)
		}
		return b
	}
	return &opening{sent: [2][]byte{append(head(0x0100, 0), question...),
		slices.Concat(head(0x8180, 1), question, []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4}, r.bytes(4))}}
}

// openNTP is RFC 5905 section 7.3.
func openNTP(r *rng) *opening {
	stamp := func() []byte { return append([]byte{0xec, 0, 0, 0}, r.bytes(4)...) }
	asked, empty := stamp(), make([]byte, 8)
	client := slices.Concat([]byte{0x23, 0, 6, 0xec}, make([]byte, 12), empty, empty, empty, asked)
	server := slices.Concat([]byte{0x24, 2, 6, 0xec, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0, 0, 1}, stamp(), asked, stamp(), stamp())
	return &opening{sent: [2][]byte{client, server}}
}

// openSTUN is RFC 8489 section 5.
func openSTUN(r *rng) *opening {
	id := append([]byte{0x21, 0x12, 0xa4, 0x42}, r.bytes(12)...)
	return &opening{sent: [2][]byte{append([]byte{0, 1, 0, 0}, id...),
		slices.Concat([]byte{1, 1, 0, 12}, id, []byte{0, 0x20, 0, 8, 0, 1}, r.bytes(6))}}
}

// openQUIC is an Initial packet of each end, which its peer can decrypt (RFC 9001
// section 5.2).
func openQUIC(r *rng) *opening {
	dcid, scid := r.bytes(8), r.bytes(8)
	crypto := func(b []byte) []byte {
		return slices.Concat([]byte{6, 0}, binary.BigEndian.AppendUint16(nil, 0x4000|uint16(len(b))), b)
	}
	return &opening{sent: [2][]byte{
		initial(dcid, "client in", dcid, scid, crypto(clientHello(r, "h3"))),
		initial(dcid, "server in", scid, r.bytes(8), append([]byte{2, 0, 0, 0, 0}, crypto(serverHello(r))...))}}
}

// initial seals frames in a packet of 1200 bytes with the keys that secret, the
// client's first destination, gives.
func initial(secret []byte, label string, dcid, scid, frames []byte) []byte {
	const size, tag = 1200, 16
	must := func(b []byte, err error) []byte {
		if err != nil {
			panic(err)
		}
		return b
	}
	expand := func(secret []byte, label string, n int) []byte {
		info := slices.Concat([]byte{0, byte(n)}, vec8([]byte("tls13 "+label)), []byte{0})
		return must(hkdf.Expand(sha256.New, secret, string(info), n))
	}
	salt := []byte{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a}
	keys := expand(must(hkdf.Extract(sha256.New, secret, salt)), label, 32)
	block := func(label string) cipher.Block {
		c, err := aes.NewCipher(expand(keys, label, 16))
		if err != nil {
			panic(err)
		}
		return c
	}
	head := slices.Concat([]byte{0xc1, 0, 0, 0, 1}, vec8(dcid), vec8(scid), []byte{0})
	number := len(head) + 2 // where the packet number stands, two bytes long
	head = binary.BigEndian.AppendUint16(head, 0x4000|uint16(size-number))
	head = append(head, 0, 0)
	plain := append(frames, make([]byte, size-len(head)-tag-len(frames))...)
	aead, err := cipher.NewGCM(block("quic key"))
	if err != nil {
		panic(err)
	}
	b := aead.Seal(slices.Clone(head), expand(keys, "quic iv", 12), plain, head)
	var mask [16]byte
	block("quic hp").Encrypt(mask[:], b[number+4:number+20])
	b[0] ^= mask[0] & 0xf
	b[number] ^= mask[1]
	b[number+1] ^= mask[2]
	return b
}

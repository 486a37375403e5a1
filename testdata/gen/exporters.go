package main

import (
	"fmt"
	"net/netip"
	"time"
)

// exporters is what flow exporters send to their collectors, among other traffic:
// NetFlow 5 and 9, IPFIX and sFlow 5, each to a port that nobody would guess. Two
// routers use one template number for different templates, a set comes before its
// template, and questions to DNS begin as messages do.
func exporters() *recording {
	r := newRecording(linkEthernet)
	one := want{"one-way", "destination"}
	send := func(f *flow, message []byte) {
		f.udp(out, string(message))
		r.wait(20 * time.Millisecond)
	}
	export := uint32(begin.Unix())

	v5 := r.flow(protoUDP, "192.0.2.1:50001", "192.0.2.200:9991", one)
	send(v5, cat(be16(5, 1), be32(100_000, export, 0, 0), []byte{0, 0}, be16(0),
		cat([]byte{10, 60, 0, 1}, []byte{10, 60, 0, 2}, make([]byte, 4), be16(1, 2), be32(3, 180, 90_000, 91_000),
			be16(50000, 443), []byte{0, 2, 6, 0}, make([]byte, 8))))

	// A set before its template, by a template that says ports, then addresses.
	template := func(kind uint16, fields ...uint16) []byte {
		b := be16(256, uint16(len(fields)/2))
		b = append(b, be16(fields...)...)
		return cat(be16(kind, uint16(len(b)+4)), b)
	}
	v9Head := func(sequence, count uint32) []byte {
		return cat(be16(9, uint16(count)), be32(100_000, export, sequence, 7))
	}
	set := func(b []byte) []byte { return cat(be16(256, uint16(len(b)+4)), b) }
	ports, addresses := be16(50001, 53), []byte{10, 60, 0, 3, 10, 60, 0, 4}
	v9 := r.flow(protoUDP, "192.0.2.2:50002", "192.0.2.200:9992", one)
	send(v9, cat(v9Head(0, 1), set(cat(ports, addresses, be32(17)))))
	send(v9, cat(v9Head(1, 1), template(0, 7, 2, 11, 2, 8, 4, 12, 4, 4, 4)))

	// The same number from another router: addresses, then ports.
	other := r.flow(protoUDP, "192.0.2.3:50003", "192.0.2.200:9992", one)
	send(other, cat(v9Head(0, 2), template(0, 8, 4, 12, 4, 7, 2, 11, 2, 4, 4), set(cat(addresses, ports, be32(17)))))

	ipfix := r.flow(protoUDP, "[2001:db8::1]:50004", "[2001:db8::200]:9993", one)
	body := cat(template(2, 27, 16, 28, 16, 7, 2, 11, 2, 4, 1),
		set(cat(make([]byte, 15), []byte{1}, make([]byte, 15), []byte{2}, be16(50002, 22), []byte{6})))
	send(ipfix, cat(be16(10, uint16(16+len(body))), be32(export, 0, 1), body))

	// One packet in 128: a SYN, of which the whole frame is sent along.
	client, server := netip.MustParseAddrPort("10.60.0.1:50003"), netip.MustParseAddrPort("10.60.0.2:443")
	sampled := ethernet(make([]byte, 6), make([]byte, 6), nil, 0x0800, ip(client.Addr(), server.Addr(), protoTCP, 1,
		tcp(client, server, 1, 0, syn, nil, nil)))
	header := pad(sampled, (len(sampled)+3)&^3)
	record := cat(be32(1, uint32(16+len(header)), 1, uint32(len(sampled)+4), 4, uint32(len(sampled))), header)
	sample := cat(be32(1, 7, 128, 1280, 0, 3, 4, 1), record)
	sflow := r.flow(protoUDP, "192.0.2.5:50005", "192.0.2.200:9994", one)
	send(sflow, cat(be32(5, 1), []byte{203, 0, 113, 5}, be32(0, 1, 100_000, 1), be32(1, uint32(len(sample))), sample))

	// Questions whose identifiers are the versions.
	for _, id := range []uint16{5, 9, 10} {
		dns := r.flow(protoUDP, fmt.Sprintf("10.60.0.9:%d", 50000+id), "10.60.0.53:53", one)
		dns.udp(out, dnsQuery(id, "example.org"))
		r.wait(20 * time.Millisecond)
	}
	return r
}

package main

import (
	"net/netip"
	"time"
)

// handshakes has each way in which a connection may begin and end, so that
// each state of a flow is met. The client is 192.0.2.10 unless the comment
// says that it is not.
func handshakes() *recording {
	r := newRecording(linkEthernet)
	const server = "198.51.100.20"
	client := uint16(50000)
	start := func(proto uint8, port string, w want) *flow {
		r.wait(100 * time.Millisecond)
		client++
		src := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), client)
		return r.flow(proto, src.String(), server+":"+port, w)
	}

	// TCP.
	start(protoTCP, "8001", want{"attempted", "destination"}).tcp(out, syn, "")

	f := start(protoTCP, "8002", want{"refused", "destination"})
	f.tcp(out, syn, "")
	f.tcp(back, rst|ack, "")

	f = start(protoTCP, "8003", want{"established", "destination"})
	f.open()
	f.say(out, "hello")

	f = start(protoTCP, "8004", want{"closed", "destination"})
	f.open()
	f.say(out, "hello")
	f.close(out)

	f = start(protoTCP, "8005", want{"reset", "destination"})
	f.open()
	f.tcp(out, rst, "")

	f = start(protoTCP, "8006", want{"half-open", "destination"})
	f.tcp(out, syn, "")
	f.tcp(back, syn|ack, "")

	// Data both ways and no opening; ports that no rule but the registry's
	// ranges can tell apart.
	f = start(protoTCP, "8007", want{"midstream", "destination"})
	f.say(out, "hello")

	f = start(protoTCP, "8008", want{"one-way", "destination"})
	f.tcp(out, psh|ack, "hello")
	f.tcp(out, psh|ack, "hello again")

	// A SYN sent three times, one and three seconds apart, with the same
	// sequence number: one flow (RFC 6298 section 2).
	f = start(protoTCP, "8009", want{"attempted", "destination"})
	for _, pause := range []time.Duration{0, time.Second, 2 * time.Second} {
		r.wait(pause)
		f.seq[out] = 77_000
		f.tcp(out, syn, "")
	}

	// Closed, then opened again between the same ports: two flows.
	f = start(protoTCP, "8010", want{"closed", "destination"})
	f.open()
	f.close(out)
	again := r.flow(protoTCP, f.ends[0].String(), f.ends[1].String(), want{"established", "destination"})
	again.seq = [2]uint64{9_000_000, 9_500_000}
	r.wait(time.Second)
	again.open()
	again.say(out, "hello again")

	// Both ends send a SYN before they see the other's (RFC 9293 section 3.5,
	// figure 7), as peers do to pass address translators: neither is the
	// server, and both ports are dynamic.
	f = start(protoTCP, "60011", want{"established", "none"})
	f.tcp(out, syn, "")
	f.tcp(back, syn, "")
	f.seq[out]--
	f.tcp(out, syn|ack, "")
	f.seq[back]--
	f.tcp(back, syn|ack, "")
	f.tcp(out, psh|ack, "hello")

	// The capture began late: the first packet is the server's SYN-ACK.
	r.wait(100 * time.Millisecond)
	f = r.flow(protoTCP, server+":8012", "192.0.2.10:50112", want{"established", "source"})
	f.tcp(out, syn|ack, "")
	f.tcp(back, ack, "")
	f.say(back, "hello")

	// A SYN-ACK to nobody's SYN, as a scan with a forged source causes: it
	// says little, for anyone may send one.
	r.wait(100 * time.Millisecond)
	r.flow(protoTCP, server+":8013", "192.0.2.10:50113", want{"half-open", "source"}).tcp(out, syn|ack, "")

	// Flags that no connection has: an Xmas scan is one-way traffic.
	f = start(protoTCP, "8014", want{"one-way", "destination"})
	f.tcp(out, fin|psh|0x20, "")

	// SCTP.
	f = start(protoSCTP, "9001", want{"attempted", "destination"})
	f.sctp(out, f.init(out, chunkInit))

	f = start(protoSCTP, "9002", want{"refused", "destination"})
	f.sctp(out, f.init(out, chunkInit))
	f.sctp(back, chunk(chunkAbort, 0, nil))

	f = start(protoSCTP, "9003", want{"established", "destination"})
	f.associate()
	f.message(out, ppidNone, "hello")

	f = start(protoSCTP, "9004", want{"closed", "destination"})
	f.associate()
	f.message(out, ppidNone, "hello")
	f.message(back, ppidM3UA, "hello to you")
	f.shutdown(out)

	f = start(protoSCTP, "9005", want{"reset", "destination"})
	f.associate()
	f.sctp(back, chunk(chunkAbort, 0, nil))

	// COOKIE ECHO and DATA bundled, as they usually are (RFC 9260 section
	// 5.1); and the INIT sent twice.
	f = start(protoSCTP, "9006", want{"established", "destination"})
	f.sctp(out, f.init(out, chunkInit))
	r.wait(3 * time.Second)
	f.sctp(out, f.init(out, chunkInit))
	f.sctp(back, f.init(back, chunkInitAck))
	f.sctp(out, chunk(chunkCookieEcho, 0, []byte("a cookie")), dataChunk(uint32(f.seq[out]), 0, ppidNGAP, []byte("hello")))
	f.sctp(back, chunk(chunkCookieAck, 0, nil), chunk(chunkSack, 0, cat(be32(uint32(f.seq[out]), 106496), be16(0, 0))))

	// Only heartbeats: an association under way.
	f = start(protoSCTP, "9007", want{"midstream", "destination"})
	f.sctp(out, chunk(chunkHeartbeat, 0, cat(be16(1, 8), be32(1))))
	f.sctp(back, chunk(chunkHeartbeat+1, 0, cat(be16(1, 8), be32(1))))

	// DCCP. Its service code stands in the Request: "RTPA".
	code := []byte("RTPA")
	start(protoDCCP, "5004", want{"attempted", "destination"}).dccp(out, dccpRequest, code, "")

	f = start(protoDCCP, "5005", want{"refused", "destination"})
	f.dccp(out, dccpRequest, code, "")
	f.dccp(back, dccpReset, []byte{3, 0, 0, 0}, "") // connection refused

	f = start(protoDCCP, "5006", want{"established", "destination"})
	f.dccp(out, dccpRequest, code, "")
	f.dccp(back, dccpResponse, code, "")
	f.dccp(out, dccpAck, nil, "")
	f.dccp(back, dccpDataAck, nil, "hello")
	f.dccp(out, dccpData, nil, "hello")

	// An orderly end is Close, answered by Reset with code 1, "Closed" (RFC
	// 4340 section 8.3).
	f = start(protoDCCP, "5007", want{"closed", "destination"})
	f.dccp(out, dccpRequest, code, "")
	f.dccp(back, dccpResponse, code, "")
	f.dccp(out, dccpAck, nil, "")
	f.dccp(out, dccpClose, nil, "")
	f.dccp(back, dccpReset, []byte{1, 0, 0, 0}, "")

	f = start(protoDCCP, "5008", want{"reset", "destination"})
	f.dccp(out, dccpRequest, code, "")
	f.dccp(back, dccpResponse, code, "")
	f.dccp(out, dccpAck, nil, "")
	f.dccp(back, dccpReset, []byte{2, 0, 0, 0}, "") // aborted

	// UDP has no opening: only packets, one way or both.
	start(protoUDP, "7001", want{"one-way", "destination"}).udp(out, "hello?")
	f = start(protoUDP, "7002", want{"established", "destination"})
	f.udp(out, "hello?")
	f.udp(back, "hello.")

	// ICMP errors quote the packet that they are about, and are no packet of
	// its flow. 192.0.2.1 is the router on the way.
	f = start(protoUDP, "7003", want{"rejected", "destination"})
	f.icmp(server, 3, 3, out, udp(f.ends[0], f.ends[1], []byte("hello?"))) // port unreachable

	f = start(protoTCP, "8020", want{"rejected", "destination"})
	f.icmp("192.0.2.1", 3, 13, out, tcp(f.ends[0], f.ends[1], 1, 0, syn, tcpOptions, nil)) // administratively prohibited

	// Fragmentation needed is no rejection: path MTU discovery lives on it.
	f = start(protoTCP, "8021", want{"established", "destination"})
	f.open()
	f.icmp("192.0.2.1", 3, 4, out, tcp(f.ends[0], f.ends[1], uint32(f.seq[out]), uint32(f.seq[back]), psh|ack, nil, []byte(filler(400))))
	f.say(out, filler(100))

	r.wait(100 * time.Millisecond)
	f = r.flow(protoUDP, "[2001:db8:1::10]:50201", "[2001:db8:2::20]:7004", want{"rejected", "destination"})
	f.icmp("2001:db8:2::20", 1, 4, out, udp(f.ends[0], f.ends[1], []byte("hello?"))) // port unreachable

	r.wait(100 * time.Millisecond)
	f = r.flow(protoTCP, "[2001:db8:1::10]:50202", "[2001:db8:2::20]:8022", want{"rejected", "destination"})
	f.icmp("2001:db8:1::1", 1, 1, out, tcp(f.ends[0], f.ends[1], 1, 0, syn, tcpOptions, nil)) // administratively prohibited

	// An error that quotes a flow of which no packet was captured makes none.
	src, dst := netip.MustParseAddrPort("192.0.2.10:50203"), netip.MustParseAddrPort(server+":7005")
	quoted := ip(src.Addr(), dst.Addr(), protoUDP, 1, udp(src, dst, []byte("hello?")))
	r.frame(ethernet(mac(src.Addr()), mac(dst.Addr()), nil, etherIPv4, icmpError(dst.Addr(), src.Addr(), 3, 3, quoted)))
	return r
}

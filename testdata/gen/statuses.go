package main

import (
	"net/netip"
	"time"
)

// statuses has one flow for each thing that the registry may say of a port, on
// each transport. Every flow goes to its service with an opening where the
// transport has one, so that the side is never in doubt, and every client port
// is dynamic. The facts are those of the edition of 2026-08-17.
func statuses() *recording {
	r := newRecording(linkEthernet)
	client := uint16(50000)
	// once sends the first packet of one flow to a port.
	once := func(proto uint8, port uint16) {
		src := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), client)
		dst := netip.AddrPortFrom(netip.MustParseAddr("198.51.100.20"), port)
		client++
		f := r.flow(proto, src.String(), dst.String(), want{"attempted", "destination"})
		switch proto {
		case protoTCP:
			f.tcp(out, syn, "")
		case protoSCTP:
			f.sctp(out, f.init(out, chunkInit))
		case protoDCCP:
			f.dccp(out, dccpRequest, be32(0x64697363), "") // the service code "disc"
		default:
			f.want.state = "one-way"
			if port >= 49152 {
				f.want.service = "none"
			}
			f.udp(out, filler(24))
		}
		r.wait(20 * time.Millisecond)
	}
	for _, c := range []struct {
		proto uint8
		ports []uint16
	}{
		{protoTCP, []uint16{
			443,   // assigned: https
			80,    // several names: http, www, www-http
			465,   // several names: submissions before urd
			44818, // a name that breaks the syntax, and its replacement: EtherNet-IP-2
			4242,  // a range without a transport: vrml-multi-use, 4200-4299
			24,    // assigned without a name: any private mail system
			1023,  // reserved
			0,     // reserved, and no port to send to
			38412, // reserved, for it is assigned on SCTP
			2,     // reserved; de-assigned on 2025-02-13, once compressnet
			4,     // unassigned
			585,   // unassigned: de-registered
			2693,  // unassigned: removed
			6003,  // unauthorized use, on this port of 6000-6063 alone
			6004,  // its neighbour: none
			5555,  // unauthorized use of a port with one record
			796,   // unauthorized use in an unassigned range, 788-799
			49151, // reserved, the last below the dynamic range
			49152, // dynamic, the first
			65535, // dynamic, the last
		}},
		{protoUDP, []uint16{53, 80, 514, 465, 6379, 3, 4, 2905, 6003, 49152}},
		{protoUDPLite, []uint16{53, 6379, 4}}, // UDP-Lite uses the entries of UDP (RFC 6335 section 6)
		{protoSCTP, []uint16{
			38412, // assigned: ng-control
			9899,  // no record on SCTP, though one on UDP: unassigned, not listed
			443,   // assigned: https
			8282,  // reserved
			6701,  // unassigned by a record of its own
			4242,  // the range without a transport again
			114,   // unassigned without a transport: deprecated
			6003,  // no record on SCTP, where TCP and UDP have one
			53,    // likewise
			60000, // dynamic
		}},
		{protoDCCP, []uint16{5004, 8282, 443, 4501, 60000}},
	} {
		for _, p := range c.ports {
			once(c.proto, p)
		}
	}

	// Both ends hold a registered port: the answer must not depend on which
	// end spoke first.
	f := r.flow(protoTCP, "192.0.2.10:5432", "198.51.100.20:8080", want{"established", "destination"})
	f.open()
	f.say(out, "GET / HTTP/1.1\r\nHost: 198.51.100.20:8080\r\n\r\n")
	f = r.flow(protoTCP, "198.51.100.20:8080", "192.0.2.11:5432", want{"established", "source"})
	f.tcp(out, syn|ack, "") // the SYN is missing
	f.tcp(back, ack, "")
	f.say(back, "GET / HTTP/1.1\r\nHost: 198.51.100.20:8080\r\n\r\n")
	f = r.flow(protoSCTP, "192.0.2.10:36412", "198.51.100.20:2905", want{"established", "destination"})
	f.associate()
	f.message(out, ppidM3UA, "\x01\x00\x03\x01\x00\x00\x00\x08") // ASP Up (RFC 4666 section 3.5.1)
	return r
}

// oldTraffic is a flow to 11434/tcp in 2020, years before that port was
// registered: the registration cannot have been meant.
func oldTraffic() *recording {
	r := newRecording(linkEthernet)
	r.now = time.Date(2020, 2, 29, 23, 59, 59, 999_000_000, time.UTC)
	f := r.flow(protoTCP, "192.0.2.10:50000", "198.51.100.20:11434", want{"closed", "destination"})
	f.open()
	f.say(out, "hello\r\n")
	f.close(out)
	return r
}

package main

import (
	"encoding/binary"
	"slices"
)

// bad makes inputs that are no sound captures. All that have packets hold the
// same three before the damage, so a reader's answer is easy to judge.
func bad() []output {
	r := newRecording(linkEthernet)
	f := r.flow(protoUDP, "192.0.2.10:50001", "198.51.100.20:53", want{"established", "destination"})
	f.udp(out, dnsQuery(1, "example.com"))
	f.udp(back, dnsAnswer(1, "example.com", [4]byte{192, 0, 2, 80}))
	g := r.flow(protoTCP, "192.0.2.10:50002", "198.51.100.20:443", want{"attempted", "destination"})
	g.tcp(out, syn, "")
	whole := r.file()
	g.tcp(out, syn, "")
	longer := r.file()

	const recordHeader = 16
	le := binary.LittleEndian
	end := len(whole) // where the fourth record begins

	hugeRecord := slices.Clone(longer)
	le.PutUint32(hugeRecord[end+8:], 0xffff_fff0)
	longerThanWire := slices.Clone(longer)
	le.PutUint32(longerThanWire[end+12:], 20) // captured 66 octets of a packet of 20
	version := slices.Clone(whole)
	le.PutUint16(version[4:], 9)

	return []output{
		{"bad/empty.pcap", nil},
		{"bad/text.pcap", []byte("This is not a capture.\nIt is two lines of text.\n")},
		{"bad/short-header.pcap", whole[:17]},
		{"bad/magic-only.pcap", whole[:4]},
		{"bad/version-9.pcap", version},
		{"bad/short-record.pcap", longer[:end+recordHeader-5]},
		{"bad/short-packet.pcap", longer[:len(longer)-7]},
		{"bad/huge-record.pcap", hugeRecord},
		{"bad/caplen-over-wire.pcap", longerThanWire},
	}
}

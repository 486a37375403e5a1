package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// TestCommittedFilesAreCurrent says that the committed captures are what this
// generator writes, no more and no fewer.
func TestCommittedFilesAreCurrent(t *testing.T) {
	written := map[string]bool{}
	for _, o := range outputs() {
		written[o.path] = true
		got, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(o.path)))
		if err != nil {
			t.Errorf("%v: run go run ./testdata/gen", err)
			continue
		}
		if !bytes.Equal(got, o.data) {
			t.Errorf("%s differs from what the generator writes: run go run ./testdata/gen", o.path)
		}
	}
	for _, dir := range []string{"captures", "bad"} {
		entries, err := os.ReadDir(filepath.Join("..", dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if path := dir + "/" + e.Name(); !written[path] {
				t.Errorf("%s: the generator does not write it", path)
			}
		}
	}
}

// TestSum16 uses the example of RFC 1071 section 3 and the property that a
// receiver checks: data with its checksum in place sum to zero.
func TestSum16(t *testing.T) {
	data := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	if got, want := sum16(data), ^uint16(0xddf2); got != want {
		t.Errorf("sum16 = %#x, want %#x", got, want)
	}
	if got := sum16(append(data, be16(^uint16(0xddf2))...)); got != 0 {
		t.Errorf("with its checksum: %#x, want 0", got)
	}
}

// TestChecksums checks each transport's checksum as a receiver does.
func TestChecksums(t *testing.T) {
	for _, ends := range [][2]string{{"192.0.2.1:1", "198.51.100.2:65535"}, {"[2001:db8::1]:1", "[2001:db8::2]:65535"}} {
		src, dst := netip.MustParseAddrPort(ends[0]), netip.MustParseAddrPort(ends[1])
		for _, payload := range []string{"", "x", "hello"} {
			for _, c := range []struct {
				proto   uint8
				segment []byte
			}{
				{protoTCP, tcp(src, dst, 1, 2, syn|ack, tcpOptions, []byte(payload))},
				{protoUDP, udp(src, dst, []byte(payload))},
				{protoDCCP, dccp(src, dst, dccpDataAck, 1<<40, 2, nil, []byte(payload))},
			} {
				if got := sum16(pseudo(src.Addr(), dst.Addr(), c.proto, len(c.segment)), c.segment); got != 0 {
					t.Errorf("%s, %q: sum %#x, want 0", transportName(c.proto), payload, got)
				}
			}
		}
		if got := sum16(ipv4(netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), protoUDP, 7, 0, nil)); got != 0 {
			t.Errorf("IPv4 header: sum %#x, want 0", got)
		}
	}
}

// TestCRC32c uses the known value for "123456789" and the one of RFC 3720
// section B.4 for 32 zeros, and says where the octets go in SCTP.
func TestCRC32c(t *testing.T) {
	if got := crc32.Checksum([]byte("123456789"), castagnoli); got != 0xe3069283 {
		t.Errorf("check value %#x", got)
	}
	p := sctp(netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.2:2"), 3, chunk(chunkCookieAck, 0, nil))
	got := binary.LittleEndian.Uint32(p[8:])
	clear(p[8:12])
	if want := crc32.Checksum(p, castagnoli); got != want {
		t.Errorf("in the packet %#x, want %#x", got, want)
	}
}

package netflow

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/packet"
)

// An encoder of datagrams, written against "sFlow Version 5" (sflow.org, July 2004).

// xdr pads bytes to words.
func xdr(b []byte) []byte { return append(bytes.Clone(b), make([]byte, -len(b)&3)...) }

// body puts a kind and a length before a sample or a record.
func body(kind uint32, parts ...[]byte) []byte {
	b := join(parts...)
	return join(u32(kind), u32(uint32(len(b))), b)
}

func sflowAddress(s string) []byte {
	b := addr(s)
	if len(b) == 4 {
		return join(u32(1), b)
	}
	return join(u32(2), b)
}

func sflowDatagram(agent string, sub, seq uint32, samples ...[]byte) []byte {
	return join(u32(5), sflowAddress(agent), u32(sub), u32(seq), u32(testUptime), u32(uint32(len(samples))), join(samples...))
}

// sampleOf is a flow sample: one packet in rate, from an interface to another.
func sampleOf(rate, in, out uint32, records ...[]byte) []byte {
	return body(1, u32(1), u32(7), u32(rate), u32(10*rate), u32(0), u32(in), u32(out), u32(uint32(len(records))), join(records...))
}

func expandedSampleOf(rate, in, outFormat, out uint32, records ...[]byte) []byte {
	return body(3, u32(1), u32(0), u32(7), u32(rate), u32(10*rate), u32(0), u32(0), u32(in), u32(outFormat), u32(out), u32(uint32(len(records))), join(records...))
}

// counters is a sample of an interface's counters, generic ones.
func counters() []byte { return body(2, u32(1), u32(7), u32(1), body(1, make([]byte, 88))) }

// rawHeader is a record with the first bytes of a packet of length bytes; Ethernet's
// checksum of 4 bytes was counted and taken off.
func rawHeader(protocol uint32, length int, b []byte) []byte {
	return body(1, u32(protocol), u32(uint32(length+4)), u32(4), u32(uint32(len(b))), xdr(b))
}

func sampledIPv4(protocol, length int, src, dst string, sport, dport, flags int) []byte {
	return body(3, u32(uint32(length)), u32(uint32(protocol)), addr(src), addr(dst), u32(uint32(sport)), u32(uint32(dport)), u32(uint32(flags)), u32(0))
}

func sampledIPv6(protocol, length int, src, dst string, sport, dport, flags int) []byte {
	return body(4, u32(uint32(length)), u32(uint32(protocol)), addr(src), addr(dst), u32(uint32(sport)), u32(uint32(dport)), u32(uint32(flags)), u32(0))
}

// ethernet puts a header before a packet, and an 802.1Q tag unless vlan is 0.
func ethernet(vlan int, ip []byte) []byte {
	kind := 0x0800
	if ip[0]>>4 == 6 {
		kind = 0x86dd
	}
	b := make([]byte, 12)
	if vlan != 0 {
		b = join(b, u16(0x8100), u16(vlan))
	}
	return join(b, u16(kind), ip)
}

func ipv4(protocol byte, src, dst string, payload []byte) []byte {
	return join([]byte{0x45, 0}, u16(20+len(payload)), u16(1), u16(0x4000), []byte{64, protocol}, u16(0), addr(src), addr(dst), payload)
}

func ipv6(protocol byte, src, dst string, payload []byte) []byte {
	return join([]byte{0x60, 0, 0, 0}, u16(len(payload)), []byte{protocol, 64}, addr(src), addr(dst), payload)
}

func tcp(sport, dport int, flags byte, payload []byte) []byte {
	return join(u16(sport), u16(dport), u32(1), u32(1), []byte{0x50, flags}, u16(1024), u16(0), u16(0), payload)
}

func udp(sport, dport int, payload []byte) []byte {
	return join(u16(sport), u16(dport), u16(8+len(payload)), u16(0), payload)
}

// dnsQuery asks for the address of example.org.
var dnsQuery = join(u16(0x1234), u16(0x0100), u16(1), u16(0), u16(0), u16(0), []byte("\x07example\x03org\x00"), u16(1), u16(1))

func testHeaders() Headers {
	d := decode.New(decode.Options{MaxFragments: 1})
	return func(dst []packet.Summary, link uint16, data []byte, length uint32) []packet.Summary {
		dst, _ = d.Decode(dst, &capture.Packet{Number: 1, Link: capture.LinkType(link), Length: length, Data: data})
		return dst
	}
}

// received is when the tests' datagrams were.
var received = time.Date(2026, 9, 14, 9, 0, 1, 500_000_000, time.UTC)

func collectSFlow(t testing.TB, opt Options, datagrams ...[]byte) ([]map[string]any, *Stats) {
	t.Helper()
	var out bytes.Buffer
	opt.Annotator, opt.Headers = testAnnotator(t), testHeaders()
	c := NewCollector(&out, opt)
	from := sender(1, 50000)
	from.Time = received.UnixNano()
	for _, d := range datagrams {
		c.decoder.Message(d, from)
	}
	c.flush()
	return lines(t, out.Bytes()), c.Stats()
}

// TestSFlow: what a record says of a sampled packet, and what it does not.
func TestSFlow(t *testing.T) {
	syn := ethernet(7, ipv4(6, "192.0.2.1", "198.51.100.2", tcp(443, 40000, 2, nil)))
	for _, c := range []struct {
		name    string
		samples []byte
		want    string // PATH=VALUE, with "-" for none
	}{
		{"the opening of a connection", sampleOf(512, 3, 4, rawHeader(1, len(syn), syn)),
			"source.ip=192.0.2.1 source.port=443 source.bytes=40 source.packets=1 destination.ip=198.51.100.2 destination.bytes=- network.vlan.id=7 " +
				"server.port=40000 portannot.service.reason=handshake portannot.tcp_flags.source=S portannot.outcome=- event.end=- " +
				"@timestamp=2026-09-14T09:00:01.500000000Z event.start=2026-09-14T09:00:01.500000000Z observer.ip=203.0.113.9 " +
				"observer.ingress.interface.id=3 observer.egress.interface.id=4 portannot.export.format=sflow-v5 portannot.export.domain=2 " +
				"portannot.export.sampling=512 portannot.export.sample=true portannot.export.dropped=- portannot.observed.verdict=-"},
		{"its acceptance", sampleOf(1, 0, 0, rawHeader(11, 40, ipv4(6, "192.0.2.1", "198.51.100.2", tcp(443, 40000, 18, nil)))),
			"server.port=443 portannot.service.reason=handshake-answer portannot.service.confidence=likely portannot.export.sampling=1 observer.ingress.interface.id=- network.vlan.id=-"},
		{"a datagram with payload", expandedSampleOf(100, 3, 0, 4, rawHeader(12, 48+len(dnsQuery), ipv6(17, "2001:db8::1", "2001:db8::2", udp(5353, 4444, dnsQuery)))),
			"server.port=4444 portannot.service.reason=payload portannot.observed.protocol=dns source.bytes=77 portannot.export.sampling=100 observer.egress.interface.id=4"},
		{"a tunnel, its outer header first", sampleOf(100, 1, 2, rawHeader(1, 14+20+8+8+len(syn), ethernet(0, ipv4(17, "192.0.2.3", "192.0.2.4",
			udp(50000, 4789, join([]byte{8, 0, 0, 0, 0, 0, 42, 0}, syn)))))),
			"server.port=4789 portannot.tunnel=-"},
		{"sampled IPv4", sampleOf(100, 1, 2, sampledIPv4(6, 1500, "192.0.2.1", "198.51.100.2", 40000, 443, 0x10)),
			"server.port=443 source.bytes=1500 network.type=ipv4 portannot.tcp_flags.source=A portannot.service.reason=high-port"},
		{"sampled IPv6", sampleOf(100, 1, 2, sampledIPv6(17, 100, "2001:db8::1", "2001:db8::2", 40000, 53, 0)),
			"server.port=53 network.type=ipv6 source.bytes=100"},
		{"header and sampled IPv4 are one packet", sampleOf(100, 1, 2, sampledIPv4(6, 1500, "192.0.2.9", "198.51.100.9", 1, 2, 0), rawHeader(1, len(syn), syn)),
			"source.ip=192.0.2.1"},
		{"the switch's VLAN of an untagged packet", sampleOf(100, 1, 2, body(1001, u32(12), u32(0), u32(12), u32(0)), sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0)),
			"network.vlan.id=12"},
		{"dropped by the device", sampleOf(100, 1, 1<<30|258, sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0)),
			"portannot.export.dropped=258 portannot.outcome=- observer.egress.interface.id=-"},
		{"to several interfaces", sampleOf(100, 1, 2<<30|5, sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0)),
			"portannot.export.dropped=- observer.egress.interface.id=-"},
		{"from the device itself", sampleOf(100, noInterface, 5, sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0)),
			"observer.ingress.interface.id=- observer.egress.interface.id=5"},
		{"a report of a dropped packet", body(5, u32(1), u32(0), u32(7), u32(0), u32(3), u32(0), u32(256), u32(1), sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0)),
			"portannot.export.dropped=256 portannot.export.sampling=- portannot.export.sample=true observer.ingress.interface.id=3"},
		{"the payload is cut, the lengths are of the packet", sampleOf(100, 1, 2, rawHeader(1, 1514, ethernet(0, join([]byte{0x45, 0}, u16(1500), u16(1), u16(0x4000), []byte{64, 6}, u16(0),
			addr("192.0.2.1"), addr("192.0.2.2"), tcp(40000, 22, 0x18, []byte("SSH-2.0-x\r\n")))))),
			"source.bytes=1500 server.port=22 portannot.observed.protocol=ssh"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, st := collectSFlow(t, Options{}, sflowDatagram("203.0.113.9", 2, 1, c.samples))
			if len(got) == 0 || st.FaultCount != 0 || st.Samples != uint64(len(got)) {
				t.Fatalf("%d records, %+v", len(got), st)
			}
			for _, w := range strings.Fields(c.want) {
				path, value, _ := strings.Cut(w, "=")
				if value == "-" {
					value = ""
				}
				if v := at(got[0], path); v != value {
					t.Errorf("%s is %q, want %q", path, v, value)
				}
			}
			if strings.HasPrefix(c.name, "a tunnel") {
				if len(got) != 2 || at(got[1], "portannot.tunnel") != "vxlan:42" || at(got[1], "server.port") != "40000" {
					t.Errorf("inside: %v", got)
				}
			} else if len(got) != 1 {
				t.Errorf("%d records", len(got))
			}
		})
	}
}

// TestSFlowCounts: what is no record of a packet with ports is counted, by kind, and
// what is damaged costs no more than itself.
func TestSFlowCounts(t *testing.T) {
	good := sampleOf(100, 1, 2, sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0))
	arp := ethernet(0, ipv4(1, "192.0.2.1", "192.0.2.2", []byte{8, 0, 0, 0}))
	datagram := func(samples ...[]byte) []byte { return sflowDatagram("203.0.113.9", 0, 1, samples...) }
	count := func(k Kind) func(*Stats) uint64 { return func(s *Stats) uint64 { return s.Left[k] } }
	for _, c := range []struct {
		name    string
		message []byte
		records int
		count   func(*Stats) uint64
		reason  string // of the fault; "" for none
	}{
		{"counters", datagram(counters(), body(4, make([]byte, 16)), good), 1, func(s *Stats) uint64 { return s.Counters - 1 }, ""},
		{"no ports", datagram(sampleOf(100, 1, 2, rawHeader(1, 60, arp)), good), 1, func(s *Stats) uint64 { return s.Portless }, ""},
		{"sampled IPv4 of ICMP", datagram(sampleOf(100, 1, 2, sampledIPv4(1, 60, "192.0.2.1", "192.0.2.2", 0, 0, 0)), good), 1, func(s *Stats) uint64 { return s.Portless }, ""},
		{"a header of an unknown kind", datagram(sampleOf(100, 1, 2, rawHeader(99, 60, arp)), good), 1, func(s *Stats) uint64 { return s.Portless }, ""},
		{"an enterprise's sample", datagram(body(9<<12|1, u32(1)), good), 1, func(s *Stats) uint64 { return s.Unread }, ""},
		{"an enterprise's record", datagram(sampleOf(100, 1, 2, body(9<<12|1, u32(1)), sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0)), good), 2, func(s *Stats) uint64 { return s.Records - 1 }, ""},
		{"a header with less than it announces", datagram(sampleOf(100, 1, 2, body(1, u32(1), u32(60), u32(0), u32(400), xdr(arp))), good), 1, count(BadSample), "header of 400 bytes announced, 40 there"},
		{"a record longer than its sample", datagram(body(1, make([]byte, 28), u32(1), u32(1), u32(400)), good), 1, count(BadSample), "1 records announced, 0 whole ones there"},
		{"a record cut", datagram(sampleOf(100, 1, 2, body(3, make([]byte, 8))), good), 1, count(BadSample), "kind 1: "},
		{"a sample shorter than its header", datagram(body(3, make([]byte, 40)), good), 1, count(BadSample), "kind 3: shorter than its header"},
		{"4294967295 records", datagram(body(3, make([]byte, 40), u32(1<<32-1)), good), 1, count(BadSample), "4294967295 records announced, 0 whole ones"},
		{"a sample longer than the datagram", datagram(good, join(u32(1), u32(4000))), 1, count(BadMessage), "2 samples announced, 1 whole ones there"},
		{"4294967295 samples", join(u32(5), sflowAddress("192.0.2.1"), u32(0), u32(1), u32(1), u32(1<<32-1), good), 1, count(BadMessage), "4294967295 samples announced, 1 whole ones"},
		{"a header cut", datagram(good)[:20], 0, count(BadMessage), "no sFlow header: datagram too short"},
		{"an agent of no kind", join(u32(5), u32(3), make([]byte, 40)), 0, count(BadMessage), "address is of an unknown kind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, st := collectSFlow(t, Options{}, c.message)
			if len(got) != c.records || c.count(st) != 1 {
				t.Errorf("%d records, want %d; %+v", len(got), c.records, st)
			}
			if c.reason == "" {
				if st.FaultCount != 0 {
					t.Errorf("faults: %v", st.Faults[0])
				}
				return
			}
			if st.FaultCount != 1 || !strings.Contains(st.Faults[0].Error(), c.reason) || !strings.HasPrefix(st.Faults[0].Error(), sender(1, 0).Name+": ") {
				t.Errorf("faults: %v", st.Faults)
			}
		})
	}
}

// TestSFlowSequence: datagrams that are missing are told by each sub-agent of each
// agent, of which a relay sends those of many.
func TestSFlowSequence(t *testing.T) {
	s := counters()
	_, st := collectSFlow(t, Options{},
		sflowDatagram("203.0.113.9", 0, 10, s), sflowDatagram("203.0.113.10", 0, 500, s), sflowDatagram("203.0.113.9", 1, 700, s),
		sflowDatagram("203.0.113.9", 0, 11, s), sflowDatagram("203.0.113.10", 0, 501, s), sflowDatagram("203.0.113.9", 1, 701, s))
	if st.Left[Missing] != 0 || st.Domains != 3 || st.Exporters != 1 {
		t.Errorf("%+v", st)
	}
	if _, st = collectSFlow(t, Options{}, sflowDatagram("203.0.113.9", 0, 10, s), sflowDatagram("203.0.113.9", 0, 14, s)); st.Left[Missing] != 3 {
		t.Errorf("%+v", st)
	}
	if _, st = collectSFlow(t, Options{Limits: Limits{Domains: 1}}, sflowDatagram("203.0.113.9", 0, 10, s), sflowDatagram("203.0.113.9", 1, 14, s)); st.Left[DomainQuota] != 1 {
		t.Errorf("%+v", st)
	}
}

// TestSFlowWithoutHeaders: without a decoder of packets, what the agent decoded is
// read, and the rest counted.
func TestSFlowWithoutHeaders(t *testing.T) {
	syn := ethernet(0, ipv4(6, "192.0.2.1", "198.51.100.2", tcp(443, 40000, 2, nil)))
	_, st := decodeAll(t, sflowDatagram("203.0.113.9", 0, 1, sampleOf(1, 1, 2, rawHeader(1, len(syn), syn)), sampleOf(1, 1, 2, sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0))))
	if st.Records != 1 || st.Portless != 1 || st.FaultCount != 0 {
		t.Errorf("%+v", st)
	}
}

// TestSFlowListen: datagrams beside those of NetFlow, on one socket, have the time at
// which they come.
func TestSFlowListen(t *testing.T) {
	s := serve(t, "udp", Options{Headers: testHeaders()})
	conn := s.dial(t, "udp")
	begin := time.Now()
	conn.Write(sflowDatagram("203.0.113.9", 0, 1, sampleOf(100, 1, 2, sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0))))
	conn.Write(messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0)))
	s.wait(t, 2)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	m := lines(t, s.out.b.Bytes())[0]
	at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(m["@timestamp"]))
	if err != nil || at.Before(begin.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("at %v: %v", m["@timestamp"], err)
	}
	if st := s.c.Stats(); st.Messages != [4]uint64{1, 0, 0, 1} {
		t.Errorf("%+v", st)
	}
}

// FuzzSFlow: whatever comes, all that is written is JSON, the decoder does not fail,
// and each datagram either has a record or is counted.
func FuzzSFlow(f *testing.F) {
	syn := ethernet(7, ipv4(6, "192.0.2.1", "198.51.100.2", tcp(443, 40000, 2, nil)))
	f.Add(sflowDatagram("203.0.113.9", 0, 1, sampleOf(512, 3, 4, rawHeader(1, len(syn), syn)), counters()))
	f.Add(sflowDatagram("2001:db8::1", 0, 1, expandedSampleOf(512, 3, 0, 4, sampledIPv6(17, 100, "2001:db8::1", "2001:db8::2", 40000, 53, 0))))
	f.Add(sflowDatagram("203.0.113.9", 0, 1, body(5, u32(1), u32(0), u32(7), u32(0), u32(3), u32(0), u32(256), u32(1), sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0))))
	f.Add(sflowDatagram("203.0.113.9", 0, 1, sampleOf(1, 1, 2, rawHeader(11, 48+len(dnsQuery), ipv4(17, "192.0.2.1", "192.0.2.2", udp(40000, 53, dnsQuery))))))
	a := testAnnotator(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		copy(b, u32(5))
		var out bytes.Buffer
		c := NewCollector(&out, Options{Annotator: a, Headers: testHeaders()})
		c.decoder.Message(b, Source{Name: "x", Offset: -1, Time: received.UnixNano()})
		c.flush()
		st := c.Stats()
		if got := len(lines(t, out.Bytes())); uint64(got) != st.Records || st.Left[DecoderFailure] != 0 {
			t.Fatalf("%d lines, %+v", got, st)
		}
		size := map[uint32]int{1: 4, 2: 16} // of the agent's address
		empty := false
		if len(b) >= 8 {
			at := 20 + size[be.Uint32(b[4:])]
			empty = len(b) >= at+4 && be.Uint32(b[at:]) == 0 // samples
		}
		if !empty && st.Records+st.Counters+st.Portless+st.Unread+st.FaultCount == 0 {
			t.Fatalf("nothing came of it: %+v", st)
		}
	})
}

func BenchmarkSFlow(b *testing.B) {
	syn := ethernet(7, ipv4(6, "192.0.2.1", "198.51.100.2", tcp(443, 40000, 16, make([]byte, 74))))
	sample := sampleOf(512, 3, 4, rawHeader(1, 1514, syn))
	d := sflowDatagram("203.0.113.9", 0, 1, sample, sample, sample, sample, sample, sample)
	c := NewCollector(discard{}, Options{Annotator: testAnnotator(b), Headers: testHeaders()})
	b.ReportAllocs()
	for b.Loop() {
		c.decoder.Message(d, Source{Name: "x", Offset: -1, Time: 1})
	}
}

package netflow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// decodeAll decodes messages that come from one exporter.
func decodeAll(t testing.TB, messages ...[]byte) ([]Record, *Stats) {
	t.Helper()
	var all []Record
	d := NewDecoder(Limits{}, func(r *Record) { all = append(all, *r) })
	from := Source{Name: "exporter", Address: netip.MustParseAddrPort("192.0.2.1:5000"), Offset: -1}
	for _, m := range messages {
		d.Message(bytes.Clone(m), from)
	}
	d.Flush()
	return all, d.Stats()
}

// one expects a single record and nothing skipped.
func one(t *testing.T, messages ...[]byte) Record {
	t.Helper()
	all, st := decodeAll(t, messages...)
	if len(all) != 1 || st.FaultCount != 0 {
		t.Fatalf("%d records, faults %v", len(all), st.Faults)
	}
	return all[0]
}

func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.999999999Z") }

func TestV5(t *testing.T) {
	r := one(t, messageV5(7, 1<<14|100, recordV5("192.0.2.10", "198.51.100.5", 50000, 443, 6, 0x1b, 10, 4000, 90_000, 99_000)))
	want := Record{Version: V5, Exporter: netip.MustParseAddr("192.0.2.1"), Domain: 0x102, Sampling: 100,
		Flow: annotate.Input{Protocol: 6, Source: netip.MustParseAddrPort("192.0.2.10:50000"), Destination: netip.MustParseAddrPort("198.51.100.5:443"),
			Start: (testExport*1000 + 500 - 10_000) * 1e6},
		End:     (testExport*1000 + 500 - 1_000) * 1e6,
		Forward: Counters{Bytes: 4000, Packets: 10, HasBytes: true, HasPackets: true, TCPFlags: 0x1b, HasFlags: true}}
	if r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

var (
	templateA = []field{{8, 4, 0}, {12, 4, 0}, {7, 2, 0}, {11, 2, 0}, {4, 1, 0}, {6, 1, 0}, {2, 4, 0}, {1, 4, 0}, {22, 4, 0}, {21, 4, 0}}
	dataA     = join(addr("192.0.2.10"), addr("198.51.100.5"), u16(50000), u16(22), []byte{6, 2}, u32(1), u32(60), u32(40_000), u32(41_500))
)

func TestV9(t *testing.T) {
	r := one(t, messageV9(1, 33, 2, set(0, true, templateRecord(256, templateA...)), set(256, true, dataA)))
	if r.Version != V9 || r.Domain != 33 || r.Template != 256 || r.Flow.Source.String() != "192.0.2.10:50000" || r.Flow.Destination.String() != "198.51.100.5:22" {
		t.Errorf("got %+v", r)
	}
	if got := stamp(r.Flow.Start) + " " + stamp(r.End); got != "2026-09-14T08:59:00Z 2026-09-14T08:59:01.5Z" {
		t.Errorf("times %s", got)
	}
	if r.Flow.Opening.Server != flow.Destination {
		t.Error("SYN alone is an opening to the destination")
	}
	if r.Forward.Bytes != 60 || r.Forward.Packets != 1 || r.Reverse.HasBytes {
		t.Errorf("counters %+v %+v", r.Forward, r.Reverse)
	}
}

// TestTemplates: several templates, kept across messages, apart by domain,
// version and exporter.
func TestTemplates(t *testing.T) {
	v6 := []field{{27, 16, 0}, {28, 16, 0}, {4, 1, 0}, {11, 2, 0}, {7, 2, 0}}
	data6 := join(addr("2001:db8::1"), addr("2001:db8::2"), []byte{17}, u16(53), u16(40000))
	all, st := decodeAll(t,
		messageIPFIX(0, 1, set(2, false, templateRecord(256, templateA...), templateRecord(999, v6...))),
		messageIPFIX(0, 1, set(999, true, data6, data6), set(256, false, dataA)),
		messageIPFIX(0, 2, set(256, false, dataA)),
		messageV9(0, 1, 1, set(256, true, dataA)),
		messageIPFIX(3, 1, set(2, false, templateRecord(256, v6...)), set(256, true, data6)), // redefined
	)
	if len(all) != 4 || st.Left[NoTemplate] != 2 || st.FaultCount != 2 {
		t.Fatalf("%d records, stats %+v", len(all), st)
	}
	if all[0].Flow.Source.String() != "[2001:db8::1]:40000" || all[3].Flow.Destination.String() != "[2001:db8::2]:53" || all[2].Flow.Protocol != 6 {
		t.Errorf("records %+v", all)
	}
	if got := st.Faults[0].Error(); got != "exporter: ipfix domain 2: template 256 not seen" {
		t.Error(got)
	}
	if st.Left[Missing] != 0 {
		t.Errorf("%d missing", st.Left[Missing])
	}
}

// TestVariableLength: fields of variable length before, between and after those
// that count, in both encodings (RFC 7011 section 7).
func TestVariableLength(t *testing.T) {
	fields := []field{{82, 65535, 0}, {8, 4, 0}, {83, 65535, 0}, {12, 4, 0}, {4, 1, 0}, {7, 2, 0}, {11, 2, 0}, {371, 65535, 0}}
	record := func(a, b, c []byte, long bool) []byte {
		return join(variable(a, long), addr("192.0.2.1"), variable(b, long), addr("192.0.2.2"), []byte{17}, u16(5353), u16(53), variable(c, long))
	}
	all, st := decodeAll(t, messageIPFIX(0, 0, set(2, false, templateRecord(300, fields...)),
		set(300, true, record([]byte("eth0"), nil, []byte("u"), false), record(nil, bytes.Repeat([]byte("x"), 300), nil, true), record(nil, nil, nil, false))))
	if len(all) != 3 || st.FaultCount != 0 {
		t.Fatalf("%d records, %v", len(all), st.Faults)
	}
	for _, r := range all {
		if r.Flow.Source.String() != "192.0.2.1:5353" || r.Flow.Destination.String() != "192.0.2.2:53" {
			t.Errorf("got %v", r.Flow)
		}
	}
}

// TestReverse: RFC 5103.
func TestReverse(t *testing.T) {
	fields := append([]field{{1, 8, reversePEN}, {2, 8, reversePEN}, {6, 1, reversePEN}, {153, 8, reversePEN}, {239, 1, 0}, {152, 8, 0}, {153, 8, 0}}, templateA[:8]...)
	for _, c := range []struct {
		direction byte
		want      flow.Side
	}{{0, flow.NoSide}, {1, flow.Destination}, {2, flow.Source}, {3, flow.NoSide}} {
		r := one(t, messageIPFIX(0, 0, set(2, false, templateRecord(256, fields...)),
			set(256, true, u64(1<<40), u64(3), []byte{0x12}, u64(testExport*1000+700), []byte{c.direction}, u64(testExport*1000), u64(testExport*1000+500),
				addr("192.0.2.10"), addr("198.51.100.5"), u16(3000), u16(2000), []byte{6, 0x1b}, u32(5), u32(600))))
		if r.Reverse != (Counters{Bytes: 1 << 40, Packets: 3, HasBytes: true, HasPackets: true, TCPFlags: 0x12, HasFlags: true}) || r.Forward.Bytes != 600 {
			t.Errorf("counters %+v %+v", r.Forward, r.Reverse)
		}
		if r.Flow.Hint != c.want || r.Flow.Stated != flow.NoSide {
			t.Errorf("direction %d: hint %v, want %v; stated %v", c.direction, r.Flow.Hint, c.want, r.Flow.Stated)
		}
		if got := stamp(r.Flow.Start) + " " + stamp(r.End); got != "2026-09-14T09:00:00Z 2026-09-14T09:00:00.7Z" {
			t.Errorf("times %s", got)
		}
	}
}

// TestTimes: every element of time gives the same instants, 08:59:50.25 to
// 08:59:52.75.
func TestTimes(t *testing.T) {
	const startMs, endMs = testExport*1000 - 9750, testExport*1000 - 7250
	toNTP := func(ms uint64) uint64 { return (ms/1000+2208988800)<<32 | (ms%1000)<<32/1000 }
	for _, c := range []struct {
		name       string
		start, end field
		data       []byte
		want       string
	}{
		{"seconds", field{150, 4, 0}, field{151, 4, 0}, join(u32(startMs/1000), u32(endMs/1000)), "08:59:50Z 08:59:52Z"},
		{"milliseconds", field{152, 8, 0}, field{153, 8, 0}, join(u64(startMs), u64(endMs)), ""},
		{"milliseconds of reduced size", field{152, 6, 0}, field{153, 6, 0}, join(u64(startMs)[2:], u64(endMs)[2:]), ""},
		{"microseconds", field{154, 8, 0}, field{155, 8, 0}, join(u64(toNTP(startMs)), u64(toNTP(endMs))), ""},
		{"nanoseconds", field{156, 8, 0}, field{157, 8, 0}, join(u64(toNTP(startMs)), u64(toNTP(endMs))), ""},
		{"delta", field{158, 4, 0}, field{159, 4, 0}, join(u32(9_750_000), u32(7_250_000)), ""},
		{"start and duration", field{152, 8, 0}, field{161, 4, 0}, join(u64(startMs), u32(2500)), ""},
		{"duration and end", field{162, 4, 0}, field{153, 8, 0}, join(u32(2_500_000), u64(endMs)), ""},
		{"uptime without a clock", field{22, 4, 0}, field{21, 4, 0}, join(u32(1), u32(2)), "none none"},
		{"out of range", field{152, 8, 0}, field{153, 8, 0}, join(u64(1<<63), u64(1<<62)), "none none"},
		{"zero", field{150, 4, 0}, field{153, 8, 0}, join(u32(0), u64(0)), "none none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := one(t, messageIPFIX(0, 0, set(2, false, templateRecord(256, c.start, c.end, field{4, 1, 0}, field{7, 2, 0})), set(256, false, c.data, []byte{17}, u16(53))))
			show := func(ns int64) string {
				if ns == 0 {
					return "none"
				}
				return strings.TrimPrefix(stamp(ns), "2026-09-14T")
			}
			want := c.want
			if want == "" {
				want = "08:59:50.25Z 08:59:52.75Z"
			}
			if got := show(r.Flow.Start) + " " + show(r.End); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestUptimeWrap: a flow that began before the exporter's clock of 32 bits of
// milliseconds went round, and one that begins after the header was made.
func TestUptimeWrap(t *testing.T) {
	c := clock{export: testExport * 1e9, uptime: 1000, hasUptime: true}
	if got := c.at(1<<32 - 1000); got != (testExport-2)*1e9 {
		t.Errorf("before the wrap: %s", stamp(got))
	}
	if got := c.at(1500); got != testExport*1e9+500e6 {
		t.Errorf("after the header: %s", stamp(got))
	}
}

// TestSystemInit: in IPFIX, uptimes need systemInitTimeMilliseconds, which may
// come in options; sampling too.
func TestSystemInit(t *testing.T) {
	all, st := decodeAll(t, messageIPFIX(0, 0,
		set(3, true, optionsIPFIX(400, []field{{144, 4, 0}}, []field{{160, 8, 0}, {305, 4, 0}, {306, 4, 0}})),
		set(400, true, u32(1), u64(testExport*1000-testUptime), u32(1), u32(99)),
		set(2, false, templateRecord(256, templateA...)), set(256, false, dataA)))
	if len(all) != 1 || st.FaultCount != 0 || st.Options != 1 {
		t.Fatalf("%d records, %+v", len(all), st)
	}
	if got := stamp(all[0].Flow.Start); got != "2026-09-14T08:59:00Z" {
		t.Errorf("start %s", got)
	}
	if all[0].Sampling != 100 {
		t.Errorf("sampling 1 in %d", all[0].Sampling)
	}
}

func TestOptionsV9(t *testing.T) {
	all, st := decodeAll(t, messageV9(0, 0, 4,
		set(1, true, optionsV9(400, []field{{1, 4, 0}}, []field{{34, 4, 0}, {35, 1, 0}})),
		set(400, true, u32(0), u32(512), []byte{2}),
		set(0, true, templateRecord(256, templateA...)), set(256, true, dataA)))
	if len(all) != 1 || st.FaultCount != 0 || st.Options != 1 || all[0].Sampling != 512 {
		t.Fatalf("%+v %+v", all, st)
	}
}

func TestICMP(t *testing.T) {
	base := []field{{8, 4, 0}, {12, 4, 0}, {4, 1, 0}, {7, 2, 0}, {11, 2, 0}}
	data := func(port int) []byte {
		return join(addr("192.0.2.1"), addr("192.0.2.2"), []byte{1}, u16(0), u16(port))
	}
	for _, c := range []struct {
		name   string
		fields []field
		data   []byte
	}{
		{"in the destination port", base, data(0x0301)},
		{"icmpTypeCodeIPv4", append(base[:5:5], field{32, 2, 0}), join(data(0), u16(0x0301))},
		{"icmpTypeIPv4 and icmpCodeIPv4", append(base[:5:5], field{176, 1, 0}, field{177, 1, 0}), join(data(0), []byte{3, 1})},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := one(t, messageIPFIX(0, 0, set(2, false, templateRecord(256, c.fields...)), set(256, true, c.data)))
			if !r.HasICMP || r.ICMPType != 3 || r.ICMPCode != 1 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestFlags: what TCP flags say of the roles.
func TestFlags(t *testing.T) {
	const syn, ack, rst, synAck = 2, 16, 4, 18
	for _, c := range []struct {
		forward, reverse, first, firstReverse int
		want                                  flow.Opening
	}{
		{syn, 0, 0, 0, flow.Opening{Server: flow.Destination}},
		{syn | rst, 0, 0, 0, flow.Opening{Server: flow.Destination}},
		{synAck, 0, 0, 0, flow.Opening{}},
		{ack, 0, 0, 0, flow.Opening{}},
		{syn, rst | ack, 0, 0, flow.Opening{Server: flow.Destination}},
		{rst | ack, syn, 0, 0, flow.Opening{Server: flow.Source}},
		{synAck, synAck, 0, 0, flow.Opening{}},
		{syn, syn, 0, 0, flow.Opening{}},
		{synAck, synAck, syn, synAck, flow.Opening{Server: flow.Destination, Confirmed: true}},
		{synAck, 0, synAck, 0, flow.Opening{Server: flow.Source, Accept: true}},
	} {
		fields := []field{{4, 1, 0}, {6, 2, 0}, {6, 1, reversePEN}, {14, 1, certPEN}, {14 + certReverse, 1, certPEN}, {7, 2, 0}}
		r := one(t, messageIPFIX(0, 0, set(2, false, templateRecord(256, fields...)),
			set(256, false, []byte{6}, u16(c.forward), []byte{byte(c.reverse), byte(c.first), byte(c.firstReverse)}, u16(22))))
		if r.Flow.Opening != c.want {
			t.Errorf("%+v: opening %+v", c, r.Flow.Opening)
		}
	}
}

func TestOtherElements(t *testing.T) {
	fields := []field{{4, 1, 0}, {58, 2, 0}, {245, 2, 0}, {61, 1, 0}, {136, 1, 0}, {130, 4, 0}, {85, 8, 0}, {86, 8, 0},
		{8, 4, 0}, {27, 16, 0}, {12, 4, 0}, {28, 16, 0}, {182, 2, 0}, {180, 2, 0}}
	r := one(t, messageIPFIX(0, 0, set(2, false, templateRecord(256, fields...)),
		set(256, false, []byte{6}, u16(100), u16(200), []byte{1, 3}, addr("203.0.113.9"), u64(1000), u64(10),
			addr("0.0.0.0"), addr("2001:db8::1"), addr("0.0.0.0"), addr("2001:db8::2"), u16(8080), u16(0))))
	want := Record{Version: IPFIX, Exporter: netip.MustParseAddr("203.0.113.9"), Template: 256, VLAN: 100, InnerVLAN: 200,
		Direction: Egress, EndReason: 3, Forward: Counters{Bytes: 1000, Packets: 10, HasBytes: true, HasPackets: true},
		Flow: annotate.Input{Protocol: 6, Source: netip.MustParseAddrPort("[2001:db8::1]:8080"), Destination: netip.AddrPortFrom(netip.MustParseAddr("2001:db8::2"), 0),
			NoDestinationPort: true}}
	if r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

// TestNSEL: initiator and responder counters, as Cisco's firewalls send them
// in version 9.
func TestNSEL(t *testing.T) {
	fields := append([]field{{231, 4, 0}, {232, 4, 0}, {298, 4, 0}, {299, 4, 0}, {152, 8, 0}}, templateA[:5]...)
	r := one(t, messageV9(0, 0, 2, set(0, true, templateRecord(260, fields...)),
		set(260, true, u32(10), u32(20), u32(1), u32(2), u64(testExport*1000), dataA[:13])))
	if r.Forward.Bytes != 10 || r.Reverse.Bytes != 20 || r.Forward.Packets != 1 || r.Reverse.Packets != 2 || r.Flow.Start != testExport*1e9 {
		t.Errorf("got %+v", r)
	}
}

// TestDamage: what is skipped, what is kept, and how it is counted.
func TestDamage(t *testing.T) {
	good := []field{{8, 4, 0}, {7, 2, 0}}
	goodSet := set(2, false, templateRecord(256, good...))
	data := join(addr("192.0.2.1"), u16(80))
	for _, c := range []struct {
		name    string
		message []byte
		records int
		count   func(*Stats) uint64
		reason  string
	}{
		{"empty", nil, 0, func(s *Stats) uint64 { return s.Left[BadMessage] }, "shorter than a header"},
		{"unknown version", join(u16(77), make([]byte, 30)), 0, func(s *Stats) uint64 { return s.Left[UnknownVersion] }, "version 77"},
		{"NetFlow 8", join(u16(8), make([]byte, 30)), 0, func(s *Stats) uint64 { return s.Versions[4] }, "NetFlow 8"},
		{"sFlow 4", join(u32(4), u32(1), addr("192.0.2.1")), 0, func(s *Stats) uint64 { return s.Versions[1] }, "sFlow 4"},
		{"syslog", []byte("<13>1 - - - - -"), 0, func(s *Stats) uint64 { return s.Versions[5] }, "syslog"},
		{"version 5 header cut", u16(5), 0, func(s *Stats) uint64 { return s.Left[BadMessage] }, "shorter than a NetFlow 5 header"},
		{"version 9 header cut", join(u16(9), make([]byte, 17)), 0, func(s *Stats) uint64 { return s.Left[BadMessage] }, "shorter than a NetFlow 9 header"},
		{"IPFIX header cut", join(u16(10), make([]byte, 13)), 0, func(s *Stats) uint64 { return s.Left[BadMessage] }, "shorter than an IPFIX header"},
		{"version 5 of 65535 records", join(u16(5), u16(65535), make([]byte, 20)), 0, func(s *Stats) uint64 { return s.Left[BadMessage] }, "65535 records announced, 0 there"},
		{"version 5 with a record cut", messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 1, 2, 6, 0, 1, 1, 0, 0), make([]byte, 47)), 1,
			func(s *Stats) uint64 { return s.Left[BadMessage] }, "2 records announced, 1 there"},
		{"IPFIX cut", messageIPFIX(0, 0, goodSet, set(256, false, data), set(256, false, data))[:16+len(goodSet)+10+5], 1,
			func(s *Stats) uint64 { return s.Left[BadSet] }, "bytes announced"},
		{"set of 3 bytes", messageIPFIX(0, 0, goodSet, set(256, false, data), []byte{1, 0, 0, 3}), 1, func(s *Stats) uint64 { return s.Left[BadSet] }, "set 256: 3 bytes announced"},
		{"reserved set", messageIPFIX(0, 0, set(4, false, data), goodSet, set(256, false, data)), 1, func(s *Stats) uint64 { return s.Left[BadSet] }, "set 4: reserved"},
		{"template of 65535 fields", messageIPFIX(0, 0, goodSet, set(2, false, u16(300), u16(65535)), set(256, false, data)), 1,
			func(s *Stats) uint64 { return s.Left[BadTemplate] }, "template 300: longer than its set"},
		{"options of 65535 fields", messageIPFIX(0, 0, goodSet, set(3, false, u16(300), u16(65535), u16(65535)), set(256, false, data)), 1,
			func(s *Stats) uint64 { return s.Left[BadTemplate] }, "template 300: longer than its set"},
		{"template number 100", messageIPFIX(0, 0, goodSet, set(2, false, templateRecord(100, good...)), set(256, false, data)), 1,
			func(s *Stats) uint64 { return s.Left[BadTemplate] }, "below 256"},
		{"records of no bytes", messageIPFIX(0, 0, goodSet, set(2, false, templateRecord(300, field{8, 0, 0})), set(256, false, data)), 1,
			func(s *Stats) uint64 { return s.Left[BadTemplate] }, "no bytes"},
		{"version 9 template without fields", messageV9(0, 0, 1, set(0, false, u16(300), u16(0))), 0, func(s *Stats) uint64 { return s.Left[BadTemplate] }, "no bytes"},
		{"good template before a bad one", messageIPFIX(0, 0, set(2, false, templateRecord(256, good...), u16(300), u16(9)), set(256, false, data)), 1,
			func(s *Stats) uint64 { return s.Left[BadTemplate] }, "template 300"},
		{"variable length past the end", messageIPFIX(0, 0, set(2, false, templateRecord(256, field{8, 4, 0}, field{82, 65535, 0})),
			set(256, false, addr("192.0.2.1"), []byte{1, 'x'}, addr("192.0.2.2"), []byte{200, 'x'})), 1, func(s *Stats) uint64 { return s.Left[BadSet] }, "record longer than its set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, st := decodeAll(t, c.message)
			if len(all) != c.records {
				t.Errorf("%d records, want %d", len(all), c.records)
			}
			if c.count(st) != 1 {
				t.Errorf("stats %+v", st)
			}
			if st.FaultCount == 0 || !strings.Contains(fmt.Sprint(st.Faults), c.reason) {
				t.Errorf("faults %v, want %q", st.Faults, c.reason)
			}
		})
	}
}

// TestSequence: gaps are losses; steps back and new beginnings are not.
func TestSequence(t *testing.T) {
	r := recordV5("192.0.2.1", "192.0.2.2", 1, 2, 6, 0, 1, 1, 0, 0)
	for _, c := range []struct {
		name string
		want uint64
		msgs [][]byte
	}{
		{"version 5 counts records", 3, [][]byte{messageV5(10, 0, r, r), messageV5(15, 0, r), messageV5(16, 0, r)}},
		{"version 9 counts messages", 1, [][]byte{messageV9(1, 0, 1), messageV9(2, 0, 1), messageV9(4, 0, 1)}},
		{"IPFIX counts data records", 5, [][]byte{
			messageIPFIX(100, 0, set(2, false, templateRecord(256, templateA...)), set(256, false, dataA, dataA)), messageIPFIX(107, 0)}},
		{"unknown templates leave it open", 0, [][]byte{messageIPFIX(100, 0, set(256, false, dataA)), messageIPFIX(107, 0), messageIPFIX(107, 0)}},
		{"out of order", 1, [][]byte{messageV9(1, 0, 1), messageV9(3, 0, 1), messageV9(2, 0, 1), messageV9(3, 0, 1)}},
		{"the exporter began anew", 0, [][]byte{messageV9(3_000_000_000, 0, 1), messageV9(0, 0, 1)}},
		{"wrap", 0, [][]byte{messageV9(1<<32-1, 0, 1), messageV9(0, 0, 1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, st := decodeAll(t, c.msgs...); st.Left[Missing] != c.want {
				t.Errorf("%d missing, want %d", st.Left[Missing], c.want)
			}
		})
	}
}

// TestWithdraw: templates are withdrawn on connections, not in datagrams, and
// go with the connection.
func TestWithdraw(t *testing.T) {
	tmpl := messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)), set(3, false, optionsIPFIX(400, []field{{144, 4, 0}}, []field{{34, 4, 0}})))
	data := messageIPFIX(0, 0, set(256, false, dataA))
	withdraw := messageIPFIX(0, 0, set(2, false, u16(256), u16(0)))
	withdrawAll := messageIPFIX(0, 0, set(2, false, u16(2), u16(0)))
	withdrawOptions := messageIPFIX(0, 0, set(3, false, u16(3), u16(0)))
	for _, c := range []struct {
		name    string
		session uint64
		msgs    [][]byte
		want    int
	}{
		{"connection", 1, [][]byte{tmpl, data, withdraw, data}, 1},
		{"all of a connection", 1, [][]byte{tmpl, data, withdrawAll, data}, 1},
		{"all options of a connection", 1, [][]byte{tmpl, data, withdrawOptions, data}, 2},
		{"datagrams", 0, [][]byte{tmpl, data, withdraw, data}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			d := NewDecoder(Limits{}, func(*Record) { n++ })
			for _, m := range c.msgs {
				d.Message(m, Source{Session: c.session})
			}
			if n != c.want || d.stats.Left[BadTemplate] != 0 {
				t.Errorf("%d records, want %d; %v", n, c.want, d.stats.Faults)
			}
			d.End(Source{Session: 1})
			if c.session == 1 && (d.exporters.domains != 0 || d.exporters.fields != 0 || len(d.exporters.shelf.byKey) != 0) {
				t.Error("templates outlive the connection")
			}
		})
	}
}

func testAnnotator(t testing.TB) *annotate.Annotator {
	t.Helper()
	return annotate.New(annotate.Options{})
}

// lines decodes JSON Lines.
func lines(t testing.TB, b []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range bytes.Lines(b) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, m)
	}
	return all
}

// at gives the value at a path of keys, "" when there is none.
func at(m map[string]any, path string) string {
	var v any = m
	for key := range strings.SplitSeq(path, ".") {
		o, _ := v.(map[string]any)
		if v = o[key]; v == nil {
			return ""
		}
	}
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(v)
}

func collect(t testing.TB, opt Options, file []byte) ([]map[string]any, *Collector) {
	t.Helper()
	var out bytes.Buffer
	opt.Annotator = testAnnotator(t)
	c := NewCollector(&out, opt)
	if err := c.File(context.Background(), bytes.NewReader(file), "file"); err != nil {
		t.Fatal(err)
	}
	return lines(t, out.Bytes()), c
}

func TestJSON(t *testing.T) {
	recs, _ := collect(t, Options{}, join(
		messageV5(0, 10, recordV5("192.0.2.10", "198.51.100.5", 50000, 443, 6, 2, 10, 4000, 90_000, 99_000)),
		messageV9(0, 5, 2, set(0, true, templateRecord(256, templateA...)),
			set(256, true, join(addr("192.0.2.10"), addr("198.51.100.5"), u16(0), u16(0), []byte{132, 0}, u32(3), u32(600), u32(1), u32(2)),
				join(addr("192.0.2.10"), addr("198.51.100.5"), u16(0), u16(0x800), []byte{1, 0}, u32(3), u32(600), u32(1), u32(2)))),
		messageIPFIX(0, 9, set(2, false, templateRecord(300, field{11, 2, 0})), set(300, true, u16(443))),
	))
	for i, want := range []string{
		"@timestamp=2026-09-14T08:59:50.500000000Z event.start=2026-09-14T08:59:50.500000000Z event.end=2026-09-14T08:59:59.500000000Z event.duration=9000000000 " +
			"network.transport=tcp network.type=ipv4 network.iana_number=6 network.bytes=4000 network.packets=10 source.ip=192.0.2.10 source.port=50000 source.bytes=4000 " +
			"destination.port=443 destination.bytes= client.port=50000 server.port=443 portannot.service.reason=handshake portannot.service.side=destination " +
			"portannot.registered.name=https portannot.tcp_flags.source=S portannot.export.format=netflow-v5 portannot.export.domain=258 portannot.export.sampling=10 portannot.caveat=" + iana.Caveat,
		"network.transport=sctp source.port= destination.port= portannot.note=port_not_reported portannot.registered= portannot.destination_registered= portannot.service.side=none portannot.export.format=netflow-v9",
		"network.transport=icmp source.port= destination.port= portannot.note=protocol_without_ports portannot.icmp.type=8 portannot.icmp.code=0",
		"network.type= network.transport= source.ip= destination.port=443 portannot.note=protocol_not_reported portannot.export.format=ipfix",
	} {
		if i >= len(recs) {
			t.Fatalf("%d records", len(recs))
		}
		var names func(path string, v any)
		names = func(path string, v any) {
			if object, ok := v.(map[string]any); ok {
				for key, v := range object {
					names(strings.TrimPrefix(path+"."+key, "."), v)
				}
			} else if f, ok := record.Lookup(path); !ok || f.In&record.LogJSON == 0 {
				t.Errorf("record %d: %s is not in the table of fields", i, path)
			}
		}
		names("", recs[i])
		for pair := range strings.FieldsSeq(want) {
			key, value, _ := strings.Cut(pair, "=")
			if got := strings.ReplaceAll(at(recs[i], key), " ", "_"); got != value {
				t.Errorf("record %d: %s is %q, want %q", i, key, got, value)
			}
		}
	}
}

func TestSelect(t *testing.T) {
	file := messageV5(0, 0,
		recordV5("192.0.2.10", "198.51.100.5", 50000, 443, 6, 2, 1, 1, 0, 0),
		recordV5("192.0.2.10", "198.51.100.5", 50000, 4, 6, 2, 1, 1, 0, 0)) // 4/tcp is unassigned
	if recs, c := collect(t, Options{Selector: annotate.Selector{Unexpected: true}}, file); len(recs) != 1 || at(recs[0], "server.port") != "4" || c.Flows().Selected != 1 || c.Flows().Flows != 2 {
		t.Errorf("unexpected: %v", recs)
	}
	if recs, _ := collect(t, Options{Selector: annotate.Selector{Services: []string{"https"}}}, file); len(recs) != 1 || at(recs[0], "server.port") != "443" {
		t.Errorf("service: %v", recs)
	}
}

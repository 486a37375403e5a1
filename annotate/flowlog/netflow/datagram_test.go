package netflow

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/flowlog"
)

func TestIsMessage(t *testing.T) {
	v5 := messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0))
	v9 := messageV9(0, 0, 2, set(0, true, templateRecord(256, templateA...)), set(256, true, dataA))
	ipfix := messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)), set(256, false, dataA))
	sample := sampleOf(100, 1, 2, sampledIPv4(17, 100, "192.0.2.1", "192.0.2.2", 40000, 53, 0))
	sflow := sflowDatagram("192.0.2.1", 0, 1, sample, counters())
	dns := func(id int) []byte { return join(u16(id), dnsQuery[2:]) }
	for _, c := range []struct {
		name string
		b    []byte
		cut  int // bytes that were not captured
		want bool
	}{
		{"version 5", v5, 0, true},
		{"version 5, padded", join(v5, make([]byte, 6)), 0, true},
		{"version 5, cut by the capture", v5[:60], len(v5) - 60, true},
		{"version 5, a record missing", v5[:60], 0, false},
		{"version 5, something behind", join(v5, []byte("x")), 0, false},
		{"version 9", v9, 0, true},
		{"version 9, cut by the capture", v9[:30], len(v9) - 30, true},
		{"version 9, a set too long", v9[:len(v9)-1], 0, false},
		{"IPFIX", ipfix, 0, true},
		{"IPFIX without sets", messageIPFIX(1, 2), 0, true},
		{"IPFIX, padded", join(ipfix, make([]byte, 2)), 0, true},
		{"IPFIX, cut by the capture", ipfix[:40], len(ipfix) - 40, true},
		{"IPFIX, its length not that of the datagram", ipfix[:len(ipfix)-1], 0, false},
		{"sFlow", sflow, 0, true},
		{"sFlow without samples", sflowDatagram("2001:db8::1", 0, 1), 0, true},
		{"sFlow, more behind its samples", join(sflow, []byte("more")), 0, true},
		{"sFlow, cut by the capture", sflow[:60], len(sflow) - 60, true},
		{"sFlow, its sample too long", sflowDatagram("192.0.2.1", 0, 1, sample[:len(sample)-4]), 0, false},
		{"sFlow 4", join(u32(4), sflow[4:]), 0, false},
		{"empty", nil, 0, false},
		{"DNS, identifier 5", dns(5), 0, false},
		{"DNS, identifier 9", dns(9), 0, false},
		{"DNS, identifier 10", dns(10), 0, false},
		{"zeros", make([]byte, 100), 0, false},
	} {
		if got := isMessage(c.b, len(c.b)+c.cut); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func datagramOf(from string, packet uint64, b []byte) *Datagram {
	return &Datagram{Payload: b, Length: len(b), Source: netip.MustParseAddrPort(from), Destination: netip.MustParseAddrPort("192.0.2.200:2055"),
		Time: received.UnixNano() + int64(packet)*1e9, Packet: packet}
}

// TestDatagrams: templates are those of an exporter, damage is counted where messages
// came from before, with the exporter and the packet, and a set waits for its template
// for a minute of the capture's time.
func TestDatagrams(t *testing.T) {
	var out bytes.Buffer
	c := NewCollector(&out, Options{Annotator: testAnnotator(t), Headers: testHeaders()})
	template := messageV9(0, 0, 1, set(0, true, templateRecord(256, templateA...)))
	data := messageV9(1, 0, 1, set(256, true, dataA))
	bad := messageV9(2, 0, 1, join(u16(256), u16(400), dataA))
	for _, g := range []struct {
		*Datagram
		message bool
	}{
		{datagramOf("192.0.2.1:5000", 1, bad), false}, // of nobody known
		{datagramOf("192.0.2.1:5000", 2, template), true},
		{datagramOf("192.0.2.2:5000", 3, data), true}, // has no template
		{datagramOf("192.0.2.1:5000", 4, data), true},
		{datagramOf("192.0.2.1:5000", 5, bad), true},
		{datagramOf("192.0.2.1:5001", 6, dnsQuery), false},
		{datagramOf("192.0.2.1:5000", 70, data), true},
	} {
		if got, err := c.Datagram(g.Datagram); got != g.message || err != nil {
			t.Errorf("packet %d: %v, %v", g.Packet, got, err)
		}
	}
	st := c.Stats()
	if st.Left[NoTemplate] != 1 || st.Left[BadSet] != 1 || st.Records != 2 || st.Messages != [4]uint64{0, 5, 0, 0} {
		t.Errorf("%+v", st)
	}
	if got := st.Last[BadSet].Error(); got != "192.0.2.1: packet 5: set 256: 400 bytes announced, "+got[strings.LastIndex(got, ", ")+2:] {
		t.Error(got)
	}
	if err := c.EndDatagrams(); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 2 {
		t.Errorf("%v\n%s", err, out.Bytes())
	}
}

func TestDatagramStrict(t *testing.T) {
	c := NewCollector(discard{}, Options{Annotator: testAnnotator(t), Strict: true})
	if _, err := c.Datagram(datagramOf("192.0.2.1:5000", 1, sflowDatagram("192.0.2.1", 0, 1, body(3, make([]byte, 8))))); !errors.Is(err, flowlog.ErrStrict) {
		t.Error(err)
	}
	c = NewCollector(brokenWriter{}, Options{Annotator: testAnnotator(t)})
	c.Datagram(datagramOf("192.0.2.1:5000", 1, messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0))))
	if err := c.EndDatagrams(); !errors.Is(err, flowlog.ErrWrite) {
		t.Error(err)
	}
}

// FuzzDatagram: what is taken for a message on its structure alone is read, and cut
// anywhere by the capture it is still taken for one, if the header is there.
func FuzzDatagram(f *testing.F) {
	f.Add(messageV9(0, 0, 2, set(0, true, templateRecord(256, templateA...)), set(256, true, dataA, dataA)), 40)
	f.Add(messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0)), 50)
	f.Add(messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)), set(256, false, dataA)), 20)
	f.Add(sflowDatagram("203.0.113.9", 0, 1, counters()), 48)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		c := NewCollector(discard{}, Options{Annotator: testAnnotator(t), Headers: testHeaders()})
		is, err := c.Datagram(datagramOf("192.0.2.1:5000", 1, b))
		if err != nil || is != isMessage(b, len(b)) {
			t.Fatal(is, err)
		}
		st := c.Stats()
		if n := st.Messages[0] + st.Messages[1] + st.Messages[2] + st.Messages[3]; is != (n == 1) {
			t.Fatalf("message %v: %+v", is, st)
		}
		if is && cut >= 48 && cut < len(b) && !isMessage(b[:cut], len(b)) {
			t.Fatal("not a message when cut")
		}
	})
}

package observe

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// sample is a flow's payload that was written from a specification, and what
// is to be said of it.
type sample struct {
	name      string
	transport uint8
	group     netip.Addr
	sent      [2]string // the bytes of each end
	ppid      uint32    // SCTP, both ends
	heads     [2]string // Payload.Heads
	cut       int       // that many bytes of each end that sent any were cut off

	// of names the protocol whose recogniser the sample is for. A negative
	// sample, one that lacks what makes it that protocol, has want Unknown.
	of    Protocol
	want  Protocol
	start Protocol // what a start of the sample may be taken for, when that is another

	strength Strength
	server   Side
	upgrade  bool
	text     string // of Name
	alpn     string
}

func (s *sample) input() *Input {
	in := &Input{Transport: s.transport, Group: s.group}
	for i, p := range s.sent {
		in.Sent[i] = Payload{Data: []byte(p), PPID: s.ppid, Heads: []byte(s.heads[i])}
		if p != "" {
			in.Sent[i].Len = len(p) + s.cut
		}
	}
	return in
}

var (
	otherTestGroup = netip.MustParseAddr("239.1.2.3")
	llmnrTestGroup = netip.MustParseAddr("224.0.0.252")
	mdnsTestGroup  = netip.MustParseAddr("ff02::fb")
)

// samples are those of all recognisers.
var samples = slices.Concat(internetSamples, industrySamples, recentSamples)

// cat joins bytes: strings stand for themselves, numbers for one byte.
func cat(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b.WriteString(p)
		case int:
			if p < 0 || p > 255 {
				panic(fmt.Sprintf("%d is no byte", p))
			}
			b.WriteByte(byte(p))
		default:
			panic(fmt.Sprintf("%T", p))
		}
	}
	return b.String()
}

// u16, u24 and u32 give a number in network order; l16 and l32 the other.
func u16(n int) string { return cat(n>>8, n&255) }
func u24(n int) string { return cat(n>>16, u16(n&0xffff)) }
func u32(n int) string { return cat(u16(n>>16), u16(n&0xffff)) }
func l16(n int) string { return cat(n&255, n>>8) }
func l32(n int) string { return cat(l16(n&0xffff), l16(n>>16)) }

// vec8, vec16 and vec24 put the length before bytes.
func vec8(parts ...any) string  { s := cat(parts...); return cat(len(s), s) }
func vec16(parts ...any) string { s := cat(parts...); return cat(u16(len(s)), s) }
func vec24(parts ...any) string { s := cat(parts...); return cat(u24(len(s)), s) }

// filler gives n bytes that look like nothing.
func filler(n int) string {
	b := make([]byte, n)
	x := uint32(n)*2654435761 + 12345
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

func TestSamples(t *testing.T) {
	for i := range samples {
		s := &samples[i]
		t.Run(s.of.String()+"/"+s.name, func(t *testing.T) {
			in := s.input()
			o := Recognise(in)
			if o.Protocol != s.want || o.Strength != s.strength || o.Server != s.server || o.Upgrade != s.upgrade {
				t.Errorf("%v, %v, server %v, upgrade %v (%s)\nwant %v, %v, server %v, upgrade %v",
					o.Protocol, o.Strength, o.Server, o.Upgrade, o.Reason, s.want, s.strength, s.server, s.upgrade)
			}
			if got := string(in.Text(o.Name)); got != s.text {
				t.Errorf("name %q, want %q", got, s.text)
			}
			if got := string(in.Text(o.ALPN)); got != s.alpn {
				t.Errorf("ALPN %q, want %q", got, s.alpn)
			}
			if o.Reason == "" {
				t.Error("no reason")
			}
		})
	}
}

// TestCertainRoles: which messages no other end can send. No other sample has such
// a role, however well it is recognised.
func TestCertainRoles(t *testing.T) {
	certain := map[string]bool{}
	for i := range samples {
		s := &samples[i]
		o := Recognise(s.input())
		if (o.Server == NoSide) != (o.ServerStrength == None) || o.ServerStrength > o.Strength {
			t.Errorf("%v/%s: server %v, %v, of a match that is %v", s.of, s.name, o.Server, o.ServerStrength, o.Strength)
		}
		if o.Peers != (o.Protocol == RTP || o.Protocol == RTCP) {
			t.Errorf("%v/%s: peers %v", s.of, s.name, o.Peers)
		}
		if o.ServerStrength == Full {
			certain[o.Protocol.String()] = true
		}
	}
	got := slices.Sorted(maps.Keys(certain))
	if want := []string{"dhcp", "dhcpv6", "dns", "llmnr", "mdns", "ntp", "quic", "tacacs"}; !slices.Equal(got, want) {
		t.Errorf("roles that are certain: %v, want %v", got, want)
	}
	for _, c := range []struct {
		name string
		sent [2]string
		want Strength
	}{
		{"query", [2]string{dnsQuery}, Full},
		{"response", [2]string{"", dnsResponse}, Full},
		{"notification, which a server sends", [2]string{dnsHeader(7, 0x2400, 1, 0, 0, 0) + dnsName("example", "org") + u16(6) + u16(1)}, Likely},
		{"update", [2]string{dnsHeader(7, 0x2800, 1, 0, 0, 0) + dnsName("example", "org") + u16(6) + u16(1)}, Likely},
		{"queries of both ends", [2]string{dnsQuery, dnsQuery}, None},
		{"query that was cut", [2]string{dnsQuery[:20]}, None},
	} {
		s := sample{transport: udp, sent: c.sent}
		if o := Recognise(s.input()); o.ServerStrength != c.want {
			t.Errorf("DNS %s: %v", c.name, o.ServerStrength)
		}
	}
}

// TestEverySampled checks that each protocol of the table has a sample that is
// recognised fully and one that is refused.
func TestEverySampled(t *testing.T) {
	var full, refused [numProtocols]bool
	for i := range samples {
		s := &samples[i]
		if s.want == s.of && s.strength == Full {
			full[s.of] = true
		}
		if s.want != s.of {
			refused[s.of] = true
		}
	}
	for _, r := range table {
		if !full[r.protocol] {
			t.Errorf("%v: no sample with a full match", r.protocol)
		}
		if !refused[r.protocol] {
			t.Errorf("%v: no negative sample", r.protocol)
		}
	}
}

// TestOneFull checks that no end of a sample is a full match for two
// recognisers of different protocols, so that their order cannot matter, and
// that the first bytes of the table leave no recogniser out that would match.
func TestOneFull(t *testing.T) {
	for i := range samples {
		s := &samples[i]
		in := s.input()
		ti := transportIndex(in.Transport)
		in.prepare(ti)
		for end := range in.m {
			m := &in.m[end]
			if len(m.b) == 0 {
				continue
			}
			full := Unknown
			for j := range table {
				r := &table[j]
				if r.transports>>ti&1 == 0 || len(m.b) < r.min {
					continue
				}
				found := r.find(m)
				if found.strength != None && (found.protocol == Unknown || found.reason == "") {
					t.Errorf("%v/%s end %d: a match without protocol or reason", s.of, s.name, end)
				}
				if found.strength != None && r.first != "" && !strings.Contains(r.first, string(m.b[:1])) {
					t.Errorf("%v/%s end %d: %v matches first byte %#x, which is not in its line of the table", s.of, s.name, end, found.protocol, m.b[0])
				}
				if found.strength != None && !follows(j, m.b) {
					t.Errorf("%v/%s end %d: %v matches %.4q, which its words in the table leave out", s.of, s.name, end, found.protocol, m.b)
				}
				if found.strength == Full {
					if full != Unknown && full != found.protocol {
						t.Errorf("%v/%s end %d: a full match of %v and of %v", s.of, s.name, end, full, found.protocol)
					}
					full = found.protocol
				}
			}
		}
	}
}

// follows reports whether the second to fourth bytes of b leave line j of the
// table in. Short ones leave every line in.
func follows(j int, b []byte) bool {
	for at := range follow {
		if len(b) >= wordBytes && follow[at][b[at+1]][j/64]>>(j%64)&1 == 0 {
			return false
		}
	}
	return true
}

// LeftOut gives the protocols of which a recogniser would be tried by the first
// byte, and match, but that the bytes after it leave out.
func LeftOut(in *Input) (out []Protocol) {
	ti := transportIndex(in.Transport)
	if in.prepare(ti); ti < 0 {
		return nil
	}
	for end := range in.m {
		m := &in.m[end]
		for j := range table {
			if len(m.b) < max(table[j].min, 1) || dispatch[ti][m.b[0]][j/64]>>(j%64)&1 == 0 || follows(j, m.b) {
				continue
			}
			if found := table[j].find(m); found.strength != None {
				out = append(out, found.protocol)
			}
		}
	}
	return out
}

// TestFollow checks that lines whose words are known are left out by other bytes,
// and lines without words never are.
func TestFollow(t *testing.T) {
	tried := func(b string) (out []Protocol) {
		for j := range table {
			if dispatch[0][b[0]][j/64]>>(j%64)&1 != 0 && follows(j, []byte(b)) {
				out = append(out, table[j].protocol)
			}
		}
		return out
	}
	always := []Protocol{DNS, Whois} // which may begin with anything
	for _, c := range []struct {
		begins string
		also   []Protocol
	}{
		{"\xf3\xf3\xf3\xf3", nil},
		{"EHLO", []Protocol{HTTP, SMTP, IMAP, IRC, STOMP, OPCUA, Elasticsearch, PostgreSQL}},
		{"ehlo", []Protocol{SMTP, IMAP, IRC}},
		{"220-", []Protocol{SMTP, FTP, Lumberjack, PostgreSQL, Git}},
		{"Q\xf3\xf3\x01", []Protocol{PostgreSQL, MySQL, MongoDB}},
		{"\xf3\xf3\x00\x00", []Protocol{MySQL, TNS, MongoDB, Modbus}},
		{"get\r", []Protocol{}},
	} {
		got := tried(c.begins)
		for _, p := range append(always, c.also...) {
			if !slices.Contains(got, p) {
				t.Errorf("%q: %v is not tried", c.begins, p)
			}
		}
		if c.also == nil && len(got) != len(always) {
			t.Errorf("%q: %v are tried, want %v", c.begins, got, always)
		}
	}
	for j := range table {
		if table[j].words == "" && !follows(j, []byte("\xf3\xf3\xf3\xf3")) {
			t.Errorf("%v has no words and is left out", table[j].protocol)
		}
		for word := range strings.SplitSeq(table[j].words, "|") {
			if first := table[j].first; word != "" && first != "" && !strings.Contains("?#", word[:1]) && !strings.Contains(strings.ToUpper(first), word[:1]) {
				t.Errorf("%v: the word %q begins with none of the first bytes", table[j].protocol, word)
			}
		}
	}
}

// TestCut checks that what is said of the start of a sample is nothing, or
// what is said of the whole: cut by the capture, or, in a stream, by a segment.
func TestCut(t *testing.T) {
	for i := range samples {
		s := &samples[i]
		if s.want == Unknown {
			continue
		}
		for _, lost := range []bool{true, false} {
			if s.transport != tcp && !lost {
				continue
			}
			for n := range 600 {
				in := s.input()
				shorter := false
				for j := range in.Sent {
					p := &in.Sent[j]
					if len(p.Data) > n {
						p.Data = p.Data[:n:n]
						shorter = true
						if !lost {
							p.Len = n
						}
					}
				}
				if !shorter {
					break
				}
				if o := Recognise(in); o.Protocol != s.want && o.Protocol != Unknown && o.Protocol != s.start {
					t.Errorf("%v/%s: its first %d bytes (lost %v) are %v %v: %s", s.of, s.name, n, lost, o.Strength, o.Protocol, o.Reason)
					break
				}
			}
		}
	}
}

// TestNoAllocation checks every sample. The ciphers that open a QUIC Initial
// packet of either end are two allocations each.
func TestNoAllocation(t *testing.T) {
	for i := range samples {
		in := samples[i].input()
		most := 0.0
		if samples[i].of == QUIC {
			most = 4
		}
		if n := testing.AllocsPerRun(10, func() { Recognise(in) }); n > most {
			t.Errorf("%v/%s: %v allocations", samples[i].of, samples[i].name, n)
		}
	}
}

func TestDispatchFits(t *testing.T) {
	if len(table) > maskWords*64 {
		t.Fatalf("%d recognisers, the masks have room for %d", len(table), maskWords*64)
	}
	seen := map[string]Protocol{}
	for p, n := range protocolNames {
		if n == "" {
			t.Errorf("protocol %d has no name", p)
		}
		if q, ok := seen[n]; ok {
			t.Errorf("protocols %d and %d are both %q", p, q, n)
		}
		seen[n] = Protocol(p)
		if q, ok := ParseProtocol(n); !ok || q != Protocol(p) {
			t.Errorf("ParseProtocol(%q) = %v, %v", n, q, ok)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		seen Seen
		why  string
	}{
		{"nothing", Input{Transport: tcp}, Nothing, reasonNothing},
		{"all of it lost", Input{Transport: tcp, Sent: [2]Payload{{Len: 100}}}, Cut, reasonCut},
		{"most of it lost", Input{Transport: udp, Sent: [2]Payload{{Len: 100, Data: []byte(filler(20))}}}, Cut, reasonCut},
		{"enough", Input{Transport: udp, Sent: [2]Payload{{Len: 1000, Data: []byte(filler(200))}}}, Enough, reasonNone},
		{"a transport without recognisers", Input{Transport: 1, Sent: [2]Payload{{Data: []byte(filler(20))}}}, Enough, reasonNone},
		{"two protocols", Input{Transport: tcp, Sent: [2]Payload{{Data: []byte("SSH-2.0-x\r\n")}, {Data: []byte(tlsSamples[0].sent[0])}}}, Enough, reasonDisagree},
	} {
		if o := Recognise(&c.in); o != (Observation{Seen: c.seen, Reason: c.why}) {
			t.Errorf("%s: %+v", c.name, o)
		}
	}
}

// FuzzRecognise tries every recogniser on foreign bytes: none may panic, read
// past its slice, or find a text outside it.
func FuzzRecognise(f *testing.F) {
	for i := range samples {
		s := &samples[i]
		f.Add([]byte(s.sent[0]), []byte(s.sent[1]), s.transport, uint16(s.cut), s.ppid)
	}
	f.Fuzz(func(t *testing.T, a, b []byte, transport uint8, cut uint16, ppid uint32) {
		at := transportIndex(transport)
		// In the first input nothing follows the bytes, in the second what
		// might complete them does.
		var in [2]Input
		for i := range in {
			in[i] = Input{Transport: transport}
			if cut&1 != 0 {
				in[i].Group = [...]netip.Addr{otherTestGroup, llmnrTestGroup, mdnsTestGroup}[cut/2%3]
			}
			for j, p := range [2][]byte{a, b} {
				if i == 1 {
					p = append(slices.Clone(p), "\r\n\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)[:len(p)]
				} else {
					p = slices.Clip(p)
				}
				in[i].Sent[j] = Payload{Data: p, Len: len(p) + int(cut), PPID: ppid}
				if ppid&1 != 0 {
					in[i].Sent[j].Heads = p[:min(len(p), 3*HeadBytes)]
				}
			}
		}
		o := Recognise(&in[0])
		if out := LeftOut(&in[0]); len(out) > 0 {
			t.Errorf("%v would match and are left out", out)
		}
		if o2 := Recognise(&in[1]); o != o2 {
			t.Fatalf("%+v, and with bytes behind the payload %+v", o, o2)
		}
		for _, text := range []Text{o.Name, o.ALPN} {
			if text.From != NoSide && in[0].Text(text) == nil {
				t.Errorf("%v: text %+v is not in the payload", o.Protocol, text)
			}
		}
		if (o.Protocol == Unknown) != (o.Strength == None) || o.Reason == "" {
			t.Errorf("%+v", o)
		}
		if at < 0 {
			return
		}
		// All recognisers, whatever the first byte: none may rely on the table
		// for more than its minimum.
		for i := range table {
			for end := range in[0].m {
				if m := &in[0].m[end]; table[i].transports>>at&1 != 0 && len(m.b) >= table[i].min && len(m.b) > 0 {
					table[i].find(m)
				}
			}
		}
	})
}

func BenchmarkRecognise(b *testing.B) {
	for i := range samples {
		s := &samples[i]
		if i > 0 && samples[i-1].of == s.of {
			continue // one each
		}
		in := s.input()
		b.Run(s.of.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Recognise(in)
			}
		})
	}
	b.Run("nothing", func(b *testing.B) {
		for _, t := range []uint8{tcp, udp} {
			in := make([]Input, 64)
			for i := range in {
				in[i] = Input{Transport: t, Sent: [2]Payload{{Data: []byte(filler(200 + i))}, {Data: []byte(filler(300 + i))}}}
			}
			b.Run(map[uint8]string{tcp: "tcp", udp: "udp"}[t], func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					Recognise(&in[i%len(in)])
				}
			})
		}
	})
}

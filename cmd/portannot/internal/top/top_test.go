package top

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipperhouse/displaywidth"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// traffic is a run whose flows a test sets as it likes.
type traffic struct {
	board *Board
	now   time.Time
	flows []flow.Flow
	notes []annotate.Annotation
}

func newTraffic() *traffic {
	now := time.Date(2026, 9, 14, 9, 0, 0, 0, time.UTC)
	return &traffic{board: NewBoard(now), now: now}
}

// add adds a flow to a service; port 0 is none that is known.
func (tr *traffic) add(client, server string, port uint16, packets uint64, see func(*annotate.Annotation)) *flow.Flow {
	f := flow.Flow{ID: uint64(len(tr.flows) + 1), Part: 1, Protocol: 6, State: flow.Established,
		Source: netip.MustParseAddrPort(client), Destination: netip.AddrPortFrom(netip.MustParseAddr(server), port)}
	f.Forward = flow.Counters{Packets: packets, IPBytes: packets * 100, First: tr.now.UnixNano(), Last: tr.now.UnixNano()}
	var a annotate.Annotation
	if port > 0 {
		a.Destination = iana.Embedded().Lookup(iana.TCP, port)
		a.Service = annotate.Service{Side: annotate.Destination, Port: port}
	}
	if see != nil {
		see(&a)
	}
	tr.flows, tr.notes = append(tr.flows, f), append(tr.notes, a)
	return &tr.flows[len(tr.flows)-1]
}

// Next is what a flow table does.
func (tr *traffic) Next(c *flow.Cursor, f *flow.Flow) bool {
	i := tr.board.flow.Number // walk by numbers: a cursor's place is the table's own
	if *c == (flow.Cursor{}) {
		i = 0
		tr.board.flow = flow.Flow{}
		*c = startedCursor
	}
	if int(i) >= len(tr.flows) {
		return false
	}
	*f = tr.flows[i]
	f.Number = i + 1
	return true
}

// startedCursor is a cursor that is not at the beginning.
var startedCursor = func() (c flow.Cursor) {
	flow.NewTable(flow.Options{}).Next(&c, new(flow.Flow))
	return c
}()

// pass lets time pass, and looks until there is a Snapshot.
func (tr *traffic) pass(d time.Duration) *Snapshot {
	tr.now = tr.now.Add(d)
	before := tr.board.Latest()
	for tr.board.Latest() == before {
		tr.board.Look(tr.now, tr, func(f *flow.Flow) (*annotate.Annotation, bool) { return &tr.notes[f.ID-1], true },
			func() Account {
				var a Account
				for i := range tr.flows {
					a.Packets += tr.flows[i].Packets()
				}
				a.Flows = uint64(len(tr.flows))
				return a
			})
	}
	return tr.board.Latest()
}

// more has a flow go on.
func (tr *traffic) more(f *flow.Flow, packets uint64) {
	f.Forward.Packets += packets
	f.Forward.IPBytes += packets * 100
	f.Forward.Last = tr.now.UnixNano()
}

func rowOf(t *testing.T, s *Snapshot, port uint16) *Row {
	t.Helper()
	for i := range s.Rows {
		if s.Rows[i].Service.Port == port {
			return &s.Rows[i]
		}
	}
	t.Fatalf("no service of port %d", port)
	return nil
}

func TestRates(t *testing.T) {
	tr := newTraffic()
	for range 5 { // before the first packet there is no clock
		if s := tr.pass(time.Second); s.Clock != 0 || s.Rate() != 0 {
			t.Errorf("before the first packet: clock %d, %v packets/s", s.Clock, s.Rate())
		}
	}
	tr.add("10.0.0.1:40000", "10.0.0.9", 443, 10, nil)
	tr.pass(time.Second)
	for i := range 30 { // 100 packets a second
		tr.more(&tr.flows[0], 100)
		if s := tr.pass(time.Second); i == 4 && (s.Rate() < 85 || s.Rate() > 105) {
			t.Errorf("after 5 s: %v packets/s, want 100", s.Rate())
		}
	}
	r := rowOf(t, tr.board.Latest(), 443)
	if r.PacketRate < 95 || r.PacketRate > 105 || r.ByteRate < 9500 || r.ByteRate > 10500 {
		t.Errorf("rates %v packets/s, %v bytes/s: want 100, 10000", r.PacketRate, r.ByteRate)
	}
	if got := tr.board.Latest().Rate(); got < 95 || got > 105 {
		t.Errorf("all: %v packets/s, want 100", got)
	}
	for range 12 { // and silence
		tr.pass(time.Second)
	}
	if r := rowOf(t, tr.board.Latest(), 443); r.PacketRate != 0 || r.Packets != 3010 {
		t.Errorf("after 12 s of silence: %v packets/s, %d packets: want 0, 3010", r.PacketRate, r.Packets)
	}
}

// A flow that has ended is counted once, whether or not it was met before; one whose
// service turns out to be another moves there.
func TestCountsOnce(t *testing.T) {
	tr := newTraffic()
	f := tr.add("10.0.0.1:40000", "10.0.0.9", 80, 10, nil)
	tr.pass(time.Second)
	tr.notes[0].Destination, tr.notes[0].Service.Port = iana.Embedded().Lookup(iana.TCP, 22), 22
	tr.more(f, 5)
	s := tr.pass(time.Second)
	if r := rowOf(t, s, 22); len(s.Rows) != 1 || r.Flows != 1 || r.Open != 1 || r.Packets != 15 || r.Clients != 1 {
		t.Errorf("after it moved: %d rows, %+v", len(s.Rows), r)
	}
	tr.more(f, 5)
	tr.board.End(tr.now, f, &tr.notes[0])
	other := *f
	other.ID = 77 // begins and ends between two looks
	tr.board.End(tr.now, &other, &tr.notes[0])
	tr.flows = nil
	if r := rowOf(t, tr.pass(time.Second), 22); r.Flows != 2 || r.Open != 0 || r.Packets != 40 || r.Clients != 1 {
		t.Errorf("after the end: %+v", r)
	}
	if len(tr.board.shares) != 0 {
		t.Errorf("%d ended flows are remembered", len(tr.board.shares))
	}
}

func TestBounds(t *testing.T) {
	b := NewBoard(time.Now())
	var f flow.Flow
	f.Part = 1
	var a annotate.Annotation
	a.Service.Side = annotate.Destination
	for i := range maxServices + maxEnded + 10 {
		f.ID = uint64(i)
		f.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 40000)
		f.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), uint16(i+1))
		a.Service.Port = uint16(i + 1)
		a.Destination = iana.Embedded().Lookup(iana.TCP, uint16(i+1))
		b.End(time.Now(), &f, &a)
	}
	b.Finish(time.Now(), Account{})
	s := b.Latest()
	if len(s.Rows) != maxServices+1 || len(b.ended) != maxEnded {
		t.Errorf("%d rows, %d flows remembered", len(s.Rows), len(b.ended))
	}
	if last := s.Rows[maxServices]; !last.Others || last.Flows != maxEnded+10 {
		t.Errorf("others: %+v", last.Flows)
	}
}

// Beyond maxShares, flows are counted when they end, and their number is said. What is
// remembered of a flow goes when it ends.
func TestManyFlows(t *testing.T) {
	tr := newTraffic()
	tr.add("10.0.0.1:40000", "10.0.0.9", 443, 1, nil)
	f, a := tr.flows[0], tr.notes[0]
	for i := range uint64(maxShares) {
		tr.board.shares[identity{1000 + i, 1}] = share{row: &tr.board.others}
	}
	s := tr.pass(time.Second)
	for until := time.Now().Add(5 * time.Second); tr.board.sweeping && time.Now().Before(until); {
		s = tr.pass(time.Second)
	}
	if len(s.Rows) != 0 || s.Account.Waiting != 1 {
		t.Errorf("%d rows, %d flows wait", len(s.Rows), s.Account.Waiting)
	}
	tr.board.End(tr.now, &f, &a)
	tr.flows = nil
	if s := tr.pass(time.Second); rowOf(t, s, 443).Flows != 1 || s.Account.Waiting != 0 {
		t.Errorf("after the end: %+v", s.Account)
	}
}

// full gives a Model of many services: assigned, unassigned, without a side, and with
// text from outside.
func full(width, height int) (*Model, *traffic) {
	const hostile = "\x1b[2J\u202eevil\nname"
	tr := newTraffic()
	for i := range uint16(60) {
		tr.add(fmt.Sprintf("10.0.%d.1:40000", i), "10.0.0.9", 1000+i*17, uint64(i+1)*10, nil)
	}
	tr.add("[2001:db8:1234:5678:9abc:def0:1234:5678]:40000", "2001:db8:1234:5678:9abc:def0:1234:9999", 443, 5000, func(a *annotate.Annotation) {
		a.DestinationLocal = hostile
		a.Observed = annotate.Observed{Examined: true, ServerName: []byte(hostile), Verdict: observe.Contradicts,
			Observation: observe.Observation{Protocol: observe.SSH}}
	})
	tr.add("10.0.0.1:50000", "10.0.0.2", 0, 3, nil)
	m := &Model{What: "eth0" + hostile, Choose: tr.board.Choose,
		Explain: func(s Service) []string { return []string{s.String() + ": " + hostile, "  records  none"} }}
	m.Resize(width, height)
	m.Show(tr.pass(time.Second))
	return m, tr
}

func text(m *Model) string {
	var b strings.Builder
	for _, l := range m.Lines() {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

// TestFits draws every page at many sizes: as many lines as the terminal has, none
// wider, and no character that moves the cursor or turns the text.
func TestFits(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 50}, {100, 30}, {120, 40}, {160, 45}, {40, 10}, {20, 5}, {8, 3}, {3, 2}, {1, 1}} {
		for _, keys := range [][]string{nil, {"enter"}, {"?"}, {"/", "e", "v"}, {"s", "s", "end"}, {"end", "enter", "end"}, {"f", "f", "f"}, {"m"}, {" "}} {
			m, tr := full(size[0], size[1])
			m.Message = "a message \x1b[31m of the run " + strings.Repeat("long ", 50)
			for _, k := range keys {
				m.Press(k)
				m.Lines()
			}
			m.Show(tr.pass(time.Second))
			lines := m.Lines()
			if len(lines) != size[1] {
				t.Errorf("%v %v: %d lines", size, keys, len(lines))
			}
			for _, l := range lines {
				if w := displaywidth.String(l.String()); w > size[0] {
					t.Errorf("%v %v: %d columns: %q", size, keys, w, l)
				}
				if strings.ContainsAny(l.String(), "\x1b\n\r\t\u202e") {
					t.Errorf("%v %v: not escaped: %q", size, keys, l)
				}
			}
			if size[1] >= 3 && size[0] >= 70 && lines[size[1]-1].String() != iana.Warning {
				t.Errorf("%v %v: the last line is %q", size, keys, lines[size[1]-1])
			}
		}
	}
}

func TestKeys(t *testing.T) {
	m, tr := full(80, 24)
	lines := strings.Split(text(m), "\n")
	if !strings.HasPrefix(lines[3], "! 443/tcp    assigned") || !strings.Contains(lines[3], "contradicts ssh") {
		t.Errorf("the first by bytes/s: %q", lines[3])
	}
	for range 5 {
		m.Press("s")
	}
	if got := strings.Split(text(m), "\n")[3]; !strings.Contains(got, "-          no side") {
		t.Errorf("the first by service: %q", got)
	}
	m.Press("r")
	if got := strings.Split(text(m), "\n")[3]; !strings.Contains(got, "2003/tcp") {
		t.Errorf("the last by service: %q", got)
	}
	for _, k := range []string{"/", "h", "t", "t", "p", "s"} {
		m.Press(k)
	}
	if got := text(m); !strings.Contains(got, "1 of 62 services") || !strings.Contains(got, "443/tcp") || !strings.Contains(got, "filter: https_") {
		t.Errorf("filtered:\n%s", got)
	}
	m.Press("esc")
	m.Press("f")
	m.Press("f")
	m.Press("f")
	if got := text(m); !strings.Contains(got, "status: unassigned") || strings.Contains(got, " assigned ") {
		t.Errorf("unassigned:\n%s", got)
	}
	m.Press("esc")
	m.Press("m")
	if got := text(m); !strings.Contains(got, "1 of 62 services") {
		t.Errorf("marked:\n%s", got)
	}
	m.Press("enter")
	m.Show(tr.pass(time.Second))
	got := text(m)
	for _, want := range []string{"443/tcp: \\x1b[2J", "  records  none", "1 flow of 443/tcp", "[2001:db8:1234:5678:9abc:def0:1234:5678]:40000", "[2001:db8:1234:5678:9abc:def0:1234:9999]:443", "contradicts"} {
		if !strings.Contains(got, want) {
			t.Errorf("flows: no %q in\n%s", want, got)
		}
	}
	m.Press("esc")
	if got := text(m); !strings.Contains(got, "SERVICE") {
		t.Errorf("back:\n%s", got)
	}
	m.Press(" ")
	tr.more(&tr.flows[0], 1e6)
	m.Show(tr.pass(time.Second))
	if got := text(m); !strings.Contains(got, "PAUSED") || strings.Contains(got, "1.0M") {
		t.Errorf("paused:\n%s", got)
	}
	m.Press(" ")
	m.Show(tr.pass(time.Second))
	if got := text(m); strings.Contains(got, "PAUSED") || !strings.Contains(got, "1.0M packets") {
		t.Errorf("going on:\n%s", got)
	}
	if !m.Press("q") || !m.Press("ctrl-c") || m.Press("x") {
		t.Error("q and Ctrl-C quit, x does not")
	}
}

// The cursor stays with its service when the order changes.
func TestCursor(t *testing.T) {
	m, tr := full(80, 24)
	m.Press("down")
	m.Press("down")
	rows := m.rows()
	want := rows[m.find(rows)].Service
	tr.more(&tr.flows[3], 1e5)
	m.Show(tr.pass(time.Second))
	rows = m.rows()
	if got := rows[m.find(rows)].Service; got != want || m.find(rows) != 3 {
		t.Errorf("on %v in line %d, want %v in line 3", got, m.find(rows), want)
	}
	m.Press("end")
	if got := text(m); !strings.Contains(got, rows[len(rows)-1].Service.String()) && !strings.Contains(got, noSide) {
		t.Errorf("the last line is not on the screen:\n%s", got)
	}
}

// Losses stand first.
func TestDropped(t *testing.T) {
	m, _ := full(80, 24)
	s := *m.snap
	s.Account = Account{Packets: 900, Received: 1000, Dropped: 100, Live: true}
	m.Show(&s)
	if got := m.Lines()[0].String(); !strings.HasPrefix(got, "DROPPED 100 of 1000 packets (10.0%)") {
		t.Error(got)
	}
}

func TestNew(t *testing.T) {
	tr := newTraffic()
	tr.add("10.0.0.1:40000", "10.0.0.9", 443, 1, nil)
	tr.pass(time.Second)
	tr.pass(20 * time.Second)
	tr.add("10.0.0.1:40001", "10.0.0.9", 8080, 1, nil)
	s := tr.pass(time.Second)
	if rowOf(t, s, 443).New || !rowOf(t, s, 8080).New {
		t.Error("new: want 8080 alone")
	}
	if rowOf(t, tr.pass(2*time.Minute), 8080).New {
		t.Error("new after two minutes")
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.04: "<0.1", 1: "1", 9.94: "9.9", 42: "42", 9999: "9999", 12345: "12.3k", 999_499: "999k", 1e6: "1.0M", 3.2e9: "3.2G"} {
		if got := number(v); got != want || len(got) > 5 {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

// Where no payload was looked at, as in logs, its column gives room to counts.
func TestWithoutPayload(t *testing.T) {
	for _, width := range []int{80, 120} {
		tr := newTraffic()
		tr.add("192.0.2.1:40000", "198.51.100.1", 443, 12, nil)
		m := new(Model)
		m.Resize(width, 24)
		m.Show(tr.pass(time.Second))
		if got := text(m); strings.Contains(got, "PAYLOAD") || !strings.Contains(got, "FLOWS") || !strings.Contains(got, " 1200") {
			t.Errorf("%d columns:\n%s", width, got)
		}
		tr.add("192.0.2.1:40001", "198.51.100.1", 443, 12, func(a *annotate.Annotation) { a.Observed.Examined = true })
		m.Show(tr.pass(time.Second))
		if got := text(m); !strings.Contains(got, "PAYLOAD") {
			t.Errorf("%d columns:\n%s", width, got)
		}
	}
}

// When the input has ended, how long its packets took is said.
func TestEnded(t *testing.T) {
	tr := newTraffic()
	f := tr.add("192.0.2.1:40000", "198.51.100.1", 443, 12, nil)
	tr.now = tr.now.Add(1234567 * time.Microsecond)
	tr.more(f, 1)
	m := new(Model)
	m.What = "a.pcap"
	m.Resize(80, 24)
	tr.pass(time.Second)
	tr.board.Finish(tr.now, Account{Packets: 13})
	m.Show(tr.board.Latest())
	if got := text(m); !strings.HasPrefix(got, "ended a.pcap 1.23s 13 packets") {
		t.Errorf("%s", got)
	}
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"  range       system ports", 40, []string{"  range       system ports"}},
		{"  range       system ports, 0 to 1023", 30, []string{"  range       system ports, 0", "              to 1023"}},
		{"0123456789012345678901234567890123456789", 20, []string{"0123456789012345678901234567890123456789"}},
	} {
		if got := wrapped(c.text, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

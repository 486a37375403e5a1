package flow

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/portannot/portannot/capture/packet"
)

// seenTwice gives packets of which each is seen again after a while, from another
// interface, for the second time behind one hop more.
func seenTwice(r *rand.Rand, n int, after time.Duration) (once, twice []packet.Summary) {
	once = randomPackets(r, n, 20, true)
	var late []packet.Summary // copies that are not due yet
	for i := range once {
		s := &once[i]
		s.ID, s.Checksum = uint16(1+i%60000), uint16(r.Intn(1<<16))
		if s.Kind == packet.Quoted {
			s.Kind, s.ICMPType, s.ICMPCode = packet.Datagram, 0, 0
		}
		for len(late) > 0 && late[0].Time <= s.Time {
			twice, late = append(twice, late[0]), late[1:]
		}
		s.Interface = "eth0"
		twice = append(twice, *s)
		c := *s
		c.Time, c.Interface, c.FrameLen = c.Time+int64(after), "br0", c.FrameLen+4
		late = append(late, c)
	}
	twice = append(twice, late...)
	for i := range twice {
		twice[i].Number = uint64(i + 1)
	}
	return once, twice
}

// totals gives what flows carried, without the numbers and times that copies change.
func totals(tb *Table) string {
	res := tb.Results()
	var f Flow
	packets, bytes := uint64(0), uint64(0)
	for i := range res.Len() {
		res.Fill(i, &f)
		packets, bytes = packets+f.Packets(), bytes+f.FrameBytes()
	}
	return fmt.Sprint(res.Len(), " flows, ", packets, " packets, ", bytes, " bytes")
}

func TestDedup(t *testing.T) {
	once, twice := seenTwice(rand.New(rand.NewSource(1)), 5000, 300*time.Microsecond)
	plain := NewTable(Options{})
	plain.Add(once)
	st := plain.Stats()
	if st.SeenTwice() || st.Sampled < 1000 {
		t.Errorf("once: %+v", st)
	}
	want := totals(plain)

	plain = NewTable(Options{})
	plain.Add(twice)
	if st := plain.Stats(); !st.SeenTwice() || st.Packets != uint64(len(twice)) || st.Duplicates != 0 {
		t.Errorf("twice, all counted: %+v", st)
	}
	for _, size := range []int{1, 64, len(twice)} {
		tb := NewTable(Options{Dedup: time.Millisecond})
		for rest := twice; len(rest) > 0; {
			n := min(size, len(rest))
			tb.Add(rest[:n])
			rest = rest[n:]
		}
		if st := tb.Stats(); st.Duplicates != uint64(len(once)) || st.Packets != uint64(len(once)) || st.DedupLost != 0 {
			t.Errorf("%d at a time: %+v", size, st)
		}
		if got := totals(tb); got != want {
			t.Errorf("%d at a time: %s, want %s", size, got, want)
		}
	}
	tracked := NewTable(Options{Dedup: time.Millisecond})
	n := 0
	for i := range twice {
		if _, ok := tracked.Track(&twice[i]); ok {
			n++
		}
	}
	if n != len(once) {
		t.Errorf("%d packets tracked, want %d", n, len(once))
	}
	// What comes later than that is another packet.
	tb := NewTable(Options{Dedup: 200 * time.Microsecond})
	tb.Add(twice)
	if st := tb.Stats(); st.Duplicates != 0 {
		t.Errorf("200 µs: %+v", st)
	}
}

// TestDedupTellsApart: what differs in anything but the link header, the time to live
// and the interface is no copy.
func TestDedupTellsApart(t *testing.T) {
	a := packet.Summary{Number: 1, IPVersion: 4, Protocol: packet.TCP, SrcPort: 1, DstPort: 2, Src: [16]byte{1}, Dst: [16]byte{2},
		ID: 9, Checksum: 8, Sequence: 7, Ack: 6, TCPFlags: packet.ACK, IPLen: 60, PayloadLen: 20}
	for name, change := range map[string]func(s *packet.Summary){
		"nothing":        func(*packet.Summary) {},
		"interface":      func(s *packet.Summary) { s.Interface, s.FrameLen, s.Number = "x", 99, 2 },
		"identification": func(s *packet.Summary) { s.ID++ },
		"checksum":       func(s *packet.Summary) { s.Checksum++ },
		"sequence":       func(s *packet.Summary) { s.Sequence++ },
		"acknowledgment": func(s *packet.Summary) { s.Ack++ },
		"flags":          func(s *packet.Summary) { s.TCPFlags |= packet.PSH },
		"length":         func(s *packet.Summary) { s.IPLen++ },
		"direction":      func(s *packet.Summary) { s.Src, s.Dst, s.SrcPort, s.DstPort = s.Dst, s.Src, s.DstPort, s.SrcPort },
		"address":        func(s *packet.Summary) { s.Dst[3]++ },
		"port":           func(s *packet.Summary) { s.DstPort++ },
		"network":        func(s *packet.Summary) { s.Context = packet.VLAN(3) },
		"fragment":       func(s *packet.Summary) { s.Kind = packet.Fragment },
	} {
		tb := NewTable(Options{Dedup: time.Second})
		b := a
		change(&b)
		tb.Add([]packet.Summary{a, b})
		want := uint64(0)
		if name == "nothing" || name == "interface" {
			want = 1
		}
		if got := tb.Stats().Duplicates; got != want {
			t.Errorf("%s: %d copies, want %d", name, got, want)
		}
	}
}

// TestDedupMemory: when more packets come within the time than are remembered, the
// oldest are forgotten, and counted.
func TestDedupMemory(t *testing.T) {
	_, twice := seenTwice(rand.New(rand.NewSource(2)), 3000, 0)
	tb := NewTable(Options{Dedup: time.Hour})
	tb.dedup.limit = 100
	tb.Add(twice)
	if len(tb.dedup.times) > 100 || len(tb.dedup.ring) > 100 {
		t.Errorf("%d packets are remembered", len(tb.dedup.times))
	}
	if st := tb.Stats(); st.DedupLost < 2000 {
		t.Errorf("%+v", st)
	}
}

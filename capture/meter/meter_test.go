package meter

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/filter"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// committed gives the paths of the committed captures.
func committed(t *testing.T, folders ...string) []string {
	t.Helper()
	var paths []string
	for _, f := range folders {
		list, err := filepath.Glob(filepath.Join("..", "..", "testdata", f, "*.pcap*"))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, list...)
	}
	if len(paths) < 40 {
		t.Fatalf("only %d committed captures", len(paths))
	}
	return paths
}

// segments makes a source of TCP segments with a payload of 3 bytes, among so many
// flows.
func segments(packets, flows int) []capture.Packet {
	list := make([]capture.Packet, packets)
	for i := range list {
		b := []byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00" +
			"\x45\x00\x00\x2b\x00\x00\x00\x00\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02" +
			"\x00\x00\x01\xbb\x00\x00\x00\x00\x00\x00\x00\x00\x50\x18\x00\x00\x00\x00\x00\x00abc")
		n := i % flows
		binary.BigEndian.PutUint16(b[34:], uint16(10000+n%50000))
		binary.BigEndian.PutUint16(b[28:], uint16(n/50000))
		binary.BigEndian.PutUint32(b[38:], uint32(i))
		list[i] = capture.Packet{Time: 1e18 + int64(i)*1e6, Link: capture.LinkEthernet, Length: uint32(len(b)), Data: b}
	}
	return list
}

// memory is a Source of packets in memory, which ends with an error. Like other
// sources it uses the same memory for the data of each call.
type memory struct {
	packets []capture.Packet
	err     error // at the end; nil: io.EOF
	data    []byte
}

func (s *memory) Next(dst []capture.Packet) (int, error) {
	if len(s.packets) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		return 0, io.EOF
	}
	n := copy(dst, s.packets)
	s.packets = s.packets[n:]
	for i := range s.data {
		s.data[i] = 0xee
	}
	s.data = s.data[:0]
	size := 0
	for i := range dst[:n] {
		size += len(dst[i].Data)
	}
	s.data = slices.Grow(s.data, size)
	for i := range dst[:n] {
		at := len(s.data)
		s.data = append(s.data, dst[i].Data...)
		dst[i].Data = s.data[at:]
	}
	return n, nil
}

func (s *memory) Close() error { return nil }

// dump writes all that is known of the flows and of the packets.
func dump(m *Meter, err error) string {
	var b strings.Builder
	res := m.Results()
	var f flow.Flow
	for i := range res.Len() {
		res.Fill(i, &f)
		fmt.Fprintf(&b, "%+v\n", f)
	}
	fmt.Fprintf(&b, "%+v\n%v\n", m.Stats(), err)
	return b.String()
}

func numbered(opt Options, workers int) Options {
	opt.Workers = workers
	return opt
}

func mustFilter(t *testing.T, expr string) *filter.Set {
	t.Helper()
	set, err := filter.NewSet(expr, filter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// What is read of a capture does not depend on the number of workers, damaged
// captures and ones that come through a pipe included.
func TestAnyNumberOfWorkers(t *testing.T) {
	options := map[string]Options{
		"plain":    {},
		"payload":  {Flow: flow.Options{Payload: 100}},
		"filter":   {Filter: mustFilter(t, "tcp or vlan"), Flow: flow.Options{Payload: 100}},
		"timeouts": {Flow: flow.Options{Idle: time.Millisecond, Active: time.Second, Payload: 16}},
		"few":      {MaxPackets: 7, Flow: flow.Options{Payload: 16}},
		"table":    {Flow: flow.Options{MaxFlows: 4, Payload: 16}},
	}
	for _, path := range committed(t, "captures", "bad") {
		for name, opt := range options {
			var want string
			for _, workers := range []int{1, 2, 5} {
				src, err := capture.Open(path, capture.Options{})
				if err != nil {
					break // not a capture
				}
				m := New(numbered(opt, workers))
				got := dump(m, m.Read(t.Context(), src))
				src.Close()
				if workers == 1 {
					want = got
				} else if got != want {
					t.Errorf("%s, %s, %d workers:\n%s\none worker:\n%s", path, name, workers, got, want)
				}
			}
		}
	}
}

// Sources that one worker at a time can read, long enough for many batches: their
// memory is overwritten while the packets are still being counted.
func TestAnyNumberOfWorkersInTurn(t *testing.T) {
	for name, opt := range map[string]Options{
		"payload":  {Flow: flow.Options{Payload: 2}},
		"none":     {},
		"negative": {Flow: flow.Options{Payload: -1}},
		"limit":    {MaxPackets: 9999, Flow: flow.Options{Payload: 2}},
	} {
		var want string
		for _, workers := range []int{1, 2, 3, 8} {
			m := New(numbered(opt, workers))
			got := dump(m, m.Read(t.Context(), &memory{packets: segments(30000, 700)}))
			if workers == 1 {
				want = got
				if n := strings.Count(got, "\n"); n != 702 {
					t.Errorf("%s: %d lines, want 700 flows and 2", name, n)
				}
			} else if got != want {
				t.Errorf("%s: %d workers give other flows than one", name, workers)
			}
		}
	}
}

// The hook sees every packet that the filter accepts, in order, each with its flow
// up to then; the flows are the same as without it.
func TestPacketHook(t *testing.T) {
	for _, path := range committed(t, "captures") {
		for _, expr := range []string{"", "tcp"} {
			var opt Options
			if expr != "" {
				opt.Filter = mustFilter(t, expr)
			}
			open := func() *capture.Reader {
				src, err := capture.Open(path, capture.Options{})
				if err != nil {
					t.Fatal(err)
				}
				return src
			}
			src := open()
			plain := New(opt)
			err := plain.Read(t.Context(), src)
			want := dump(plain, err)
			src.Close()
			if errors.Is(err, filter.ErrLinkType) {
				continue
			}

			var seen, last uint64
			var carrying uint64 // packets with flows
			counted := map[uint64]uint64{}
			opt.Packet = func(p *capture.Packet, flows iter.Seq[*flow.Flow]) error {
				seen++
				if p.Number <= last || len(p.Data) > int(p.Length) {
					t.Errorf("%s: packet %d comes after %d", path, p.Number, last)
				}
				last = p.Number
				has := false
				for f := range flows {
					has = true
					if f.Number > p.Number {
						t.Errorf("%s: packet %d counts to a flow that begins with packet %d", path, p.Number, f.Number)
					}
					counted[f.Number]++
				}
				if has {
					carrying++
				}
				return nil
			}
			src = open()
			m := New(opt)
			got := dump(m, m.Read(t.Context(), src))
			src.Close()
			if got != want {
				t.Errorf("%s %q: flows with the hook:\n%s\nwithout:\n%s", path, expr, got, want)
			}
			st := m.Stats()
			if seen != st.Packets-st.Refused || seen == 0 && expr == "" && st.Packets > 0 {
				t.Errorf("%s %q: the hook saw %d of %d packets, %d refused", path, expr, seen, st.Packets, st.Refused)
			}
			if uint64(len(counted)) > st.Flows.Flows || len(counted) == 0 && st.Flows.Flows > 0 {
				t.Errorf("%s %q: the hook saw %d of %d flows", path, expr, len(counted), st.Flows.Flows)
			}
			if carrying < st.Decoded[decode.Decoded]/2 {
				t.Errorf("%s %q: %d packets with flows, %d decoded", path, expr, carrying, st.Decoded[decode.Decoded])
			}
		}
	}
}

// The flow that the hook sees includes the packet at hand, and nothing after it.
func TestPacketHookSeesTheFlowAtThatMoment(t *testing.T) {
	var n [3]uint64
	opt := Options{Packet: func(p *capture.Packet, flows iter.Seq[*flow.Flow]) error {
		for f := range flows {
			i := f.Source.Port() - 10000
			if n[i]++; f.Packets() != n[i] || f.Last() != p.Time {
				t.Errorf("packet %d: flow of %d packets up to %d, want %d up to %d", p.Number, f.Packets(), f.Last(), n[i], p.Time)
			}
		}
		return nil
	}}
	m := New(opt)
	if err := m.Read(t.Context(), &memory{packets: segments(200, 3)}); err != nil || n != [3]uint64{67, 67, 66} {
		t.Errorf("packets %v, error %v", n, err)
	}
}

// A hook that does not look at the flows, or not at all of them, takes no packet
// from them.
func TestPacketHookNeedNotRange(t *testing.T) {
	path := filepath.Join("..", "..", "testdata", "captures", "tunnels.pcap")
	read := func(hook func(*capture.Packet, iter.Seq[*flow.Flow]) error) string {
		src, err := capture.Open(path, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		m := New(Options{Packet: hook})
		return dump(m, m.Read(t.Context(), src))
	}
	want := read(nil)
	if got := read(func(*capture.Packet, iter.Seq[*flow.Flow]) error { return nil }); got != want {
		t.Error("a hook that does not range changes the flows")
	}
	if got := read(func(_ *capture.Packet, flows iter.Seq[*flow.Flow]) error {
		for range flows {
			break
		}
		return nil
	}); got != want {
		t.Error("a hook that breaks changes the flows")
	}
}

func TestPacketHookError(t *testing.T) {
	wrong := errors.New("disk full")
	calls := 0
	m := New(Options{Packet: func(*capture.Packet, iter.Seq[*flow.Flow]) error {
		if calls++; calls == 10 {
			return wrong
		}
		return nil
	}})
	err := m.Read(t.Context(), &memory{packets: segments(1000, 3)})
	if !errors.Is(err, wrong) || calls != 10 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	// The packets that were read with the tenth are of flows too.
	if st := m.Stats(); st.Packets < 10 || st.Flows.Packets != st.Packets || st.Decoded[decode.Decoded] != st.Packets {
		t.Errorf("%d packets read, %d decoded, %d in flows", st.Packets, st.Decoded[decode.Decoded], st.Flows.Packets)
	}
}

func TestSummaryHook(t *testing.T) {
	var seen int
	m := New(Options{Summary: func(s *packet.Summary) bool {
		seen++
		if string(s.Payload) != "abc" {
			t.Errorf("payload %q", s.Payload)
		}
		return s.SrcPort == 10001
	}})
	if err := m.Read(t.Context(), &memory{packets: segments(200, 4)}); err != nil {
		t.Fatal(err)
	}
	if st := m.Stats(); seen != 200 || st.Packets != 200 || st.Flows.Packets != 50 || m.Results().Len() != 1 {
		t.Errorf("%d seen, stats %+v", seen, st)
	}
}

func TestMaxPackets(t *testing.T) {
	for _, workers := range []int{1, 3} {
		for _, most := range []uint64{1, 63, 64, 65, 5000, 5001, 9999} {
			m := New(Options{Workers: workers, MaxPackets: most})
			if err := m.Read(t.Context(), &memory{packets: segments(5000, 7)}); err != nil {
				t.Fatal(err)
			}
			if n, want := m.Stats().Packets, min(most, 5000); n != want {
				t.Errorf("%d workers, at most %d: read %d packets", workers, most, n)
			}
		}
	}
}

// What comes before an error is counted, and the error is given.
func TestErrorInTheMiddle(t *testing.T) {
	broken := errors.New("cable cut")
	for _, workers := range []int{1, 3} {
		m := New(Options{Workers: workers})
		err := m.Read(t.Context(), &memory{packets: segments(12345, 9), err: broken})
		if !errors.Is(err, broken) {
			t.Errorf("%d workers: error %v", workers, err)
		}
		if st := m.Stats(); st.Packets != 12345 || st.Flows.Packets != 12345 || m.Results().Len() != 9 {
			t.Errorf("%d workers: %+v", workers, st)
		}
	}
}

// A file that is cut off gives its whole packets and an error that says where.
func TestDamagedFile(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("..", "..", "testdata", "captures", "demo.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.pcap")
	if err := os.WriteFile(path, whole[:len(whole)-5], 0o666); err != nil {
		t.Fatal(err)
	}
	packets := func(path string, workers int) (uint64, error) {
		src, err := capture.Open(path, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		m := New(Options{Workers: workers})
		err = m.Read(t.Context(), src)
		return m.Stats().Packets, err
	}
	all, err := packets(filepath.Join("..", "..", "testdata", "captures", "demo.pcap"), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{1, 4} {
		n, err := packets(path, workers)
		var damage *capture.DamageError
		if !errors.As(err, &damage) || damage.Name != path || n < all-1 {
			t.Errorf("%d workers: %d packets of %d, error %v", workers, n, all, err)
		}
	}
}

// Packets of a link type that the filter does not know end the reading.
func TestFilterError(t *testing.T) {
	for _, workers := range []int{1, 3} {
		list := segments(4000, 5)
		list[3000].Link = capture.LinkNFLOG
		m := New(Options{Workers: workers, Filter: mustFilter(t, "tcp")})
		err := m.Read(t.Context(), &memory{packets: list})
		if !errors.Is(err, filter.ErrLinkType) || !strings.Contains(err.Error(), "packet 3001 ") {
			t.Errorf("%d workers: error %v", workers, err)
		}
		if n := m.Stats().Flows.Packets; n != 3000 {
			t.Errorf("%d workers: %d packets counted, want the 3000 before", workers, n)
		}
	}
}

func TestUnknownLinks(t *testing.T) {
	for _, workers := range []int{1, 3} {
		list := segments(4000, 5)
		list[1].Link, list[2].Link, list[3].Link = 2000, 2001, 2000
		m := New(Options{Workers: workers})
		if err := m.Read(t.Context(), &memory{packets: list}); err != nil {
			t.Fatal(err)
		}
		st := m.Stats()
		if st.UnknownLinks[2000] != 2 || st.UnknownLinks[2001] != 1 || st.Decoded[decode.UnknownLink] != 3 || st.Decoded.Read() != 4000 {
			t.Errorf("%d workers: %+v", workers, st)
		}
	}
}

// endless is a source without end.
type endless struct{ memory }

func (s *endless) Next(dst []capture.Packet) (int, error) {
	s.packets = segments(len(dst), 3)
	return s.memory.Next(dst)
}

func TestCancel(t *testing.T) {
	for _, workers := range []int{1, 3} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		m := New(Options{Workers: workers})
		if err := m.Read(ctx, new(endless)); !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers: error %v", workers, err)
		}
		if m.Stats().Packets == 0 || m.Results().Len() != 3 {
			t.Errorf("%d workers: what was read is not counted: %+v", workers, m.Stats())
		}
	}
}

func TestOneSource(t *testing.T) {
	m := New(Options{})
	if err := m.Read(t.Context(), &memory{packets: segments(10, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := m.Read(t.Context(), &memory{packets: segments(10, 1)}); err == nil {
		t.Error("a second source was read")
	}
	if n := m.Stats().Packets; n != 10 {
		t.Errorf("%d packets", n)
	}
}

// live gives packets stamped with the present time, with pauses, and ends.
type live struct {
	memory
	pause time.Duration
	left  []int // packets to give at a time
}

func (s *live) Next(dst []capture.Packet) (int, error) {
	time.Sleep(s.pause)
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	s.packets = segments(s.left[0], 1)
	s.left = s.left[1:]
	for i := range s.packets {
		s.packets[i].Time = time.Now().UnixNano()
	}
	if len(s.packets) == 0 {
		return 0, nil
	}
	return s.memory.Next(dst)
}

// A flow ends by the clock, though no packet comes, and is given to Emit between
// two ticks.
func TestStreamExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var ended time.Duration
		var opt Options
		opt.Flow.Idle, opt.Flow.Prompt = 10*time.Second, true
		opt.Flow.Emit = func(f *flow.Flow) {
			ended = time.Since(start)
			if f.Packets() != 5 || f.End != flow.EndIdle {
				t.Errorf("flow of %d packets, ended %v", f.Packets(), f.End)
			}
		}
		m := New(opt)
		ticks := 0
		err := m.Stream(&live{pause: 20 * time.Second, left: []int{5, 0, 0}}, time.Second, func() error { ticks++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		// Seen after 20 s, due after 30 s.
		if ended < 30*time.Second || ended > 32*time.Second || ticks < 78 {
			t.Errorf("the flow was given after %v; %d ticks", ended, ticks)
		}
		if n := m.Results().Len(); n != 0 {
			t.Errorf("%d flows are still held", n)
		}
	})
}

func TestStreamEnds(t *testing.T) {
	nothing := func() error { return nil }
	wrong := errors.New("reader went away")
	for _, c := range []struct {
		name    string
		opt     Options
		src     capture.Source
		tick    func() error
		packets uint64
		err     error
	}{
		{"source", Options{}, &live{left: []int{3, 0, 4}}, nothing, 7, nil},
		{"limit", Options{MaxPackets: 5}, &live{left: []int{3, 0, 4, 9}}, nothing, 5, nil},
		{"error", Options{}, &memory{packets: segments(100, 2), err: wrong}, nothing, 100, wrong},
		{"tick", Options{}, &live{pause: 3 * time.Second, left: []int{1, 1, 1}}, func() error { return wrong }, 1, wrong},
		{"hook", Options{Packet: func(*capture.Packet, iter.Seq[*flow.Flow]) error { return wrong }},
			&live{left: []int{3, 3}}, nothing, 3, wrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := New(c.opt)
				err := m.Stream(c.src, time.Second, c.tick)
				if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				if n := m.Stats().Packets; n != c.packets {
					t.Errorf("%d packets, want %d", n, c.packets)
				}
			})
		})
	}
}

// A damaged packet that is skipped has a number, also where one worker reads.
func TestNumbersBehindDamage(t *testing.T) {
	for _, workers := range []int{1, 2} {
		src, err := capture.Open(filepath.Join("..", "..", "testdata", "bad", "ng-no-interface.pcapng"), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		m := New(Options{Workers: workers, Flow: flow.Options{Idle: 1}})
		err = m.Read(t.Context(), src)
		var damage *capture.DamageError
		if !errors.As(err, &damage) || damage.Packet != 4 {
			t.Errorf("error %v, want damage at packet 4", err)
		}
		res := m.Results()
		var f flow.Flow
		res.Fill(res.Len()-1, &f)
		if f.Number != 5 || m.Stats().Packets != 4 {
			t.Errorf("%d workers: the last of %d packets has number %d, want 5", workers, m.Stats().Packets, f.Number)
		}
	}
}

// Counting the packets of flows under way allocates nothing.
func TestCountDoesNotAllocate(t *testing.T) {
	m := New(Options{Filter: mustFilter(t, "tcp"), Flow: flow.Options{Payload: 16}})
	packets := segments(blockSize, 7)
	count := func() {
		if err := m.count(packets); err != nil {
			t.Fatal(err)
		}
	}
	count()
	if n := testing.AllocsPerRun(100, count); n != 0 {
		t.Errorf("%v allocations for %d packets", n, len(packets))
	}
}

// TestAgain: the second reading finds the packets of each flow, and the first of them
// is the one whose number the flow has.
func TestAgain(t *testing.T) {
	ctx := context.Background()
	tested := 0
	for _, path := range committed(t, "captures", "bad") {
		for name, opt := range map[string]Options{
			"plain":  {},
			"filter": {Filter: mustFilter(t, "tcp or vlan")},
			"few":    {MaxPackets: 7},
			"table":  {Flow: flow.Options{MaxFlows: 4, Idle: time.Second}},
		} {
			for _, workers := range []int{1, 3} {
				var picks []flow.Pick
				var want []flow.Flow
				take := func(f *flow.Flow) {
					picks = append(picks, f.Pick())
					want = append(want, *f)
				}
				opt := numbered(opt, workers)
				opt.Flow.Trace, opt.Flow.Emit = flow.DefaultTrace, take
				src, err := capture.Open(path, capture.Options{})
				if err != nil {
					break // not a capture
				}
				m := New(opt)
				_ = m.Read(ctx, src) // damage is in the stats
				src.Close()
				res := m.Results()
				var f flow.Flow
				for i := range res.Len() {
					res.Fill(i, &f)
					take(&f)
				}
				place := map[flow.Pick]int{}
				for i, p := range picks {
					place[p] = i
				}
				slices.SortFunc(picks, flow.Pick.Compare)
				packets := make([]uint64, len(picks))
				if src, err = capture.Open(path, capture.Options{}); err != nil {
					t.Fatal(err)
				}
				read, _ := m.Again(ctx, src, picks, func(p *capture.Packet, flows []flow.Found) error {
					for _, f := range flows {
						i := place[picks[f.Pick]]
						packets[i]++
						if f.First && want[i].Number != p.Number {
							t.Errorf("%s, %s: the first packet of a flow is %d, want %d", path, name, p.Number, want[i].Number)
						}
					}
					tested++
					return nil
				})
				src.Close()
				if read != m.Stats().Packets {
					t.Errorf("%s, %s: %d packets, then %d", path, name, m.Stats().Packets, read)
				}
				for i := range want {
					if got := packets[i] - uint64(want[i].ICMP.Count); got != want[i].Packets() {
						t.Errorf("%s, %s, %d workers: %v -> %v: %d packets, want %d", path, name, workers, want[i].Source, want[i].Destination, got, want[i].Packets())
					}
				}
			}
		}
	}
	if tested < 1000 {
		t.Errorf("only %d packets were found", tested)
	}
}

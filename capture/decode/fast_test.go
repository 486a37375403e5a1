package decode

import (
	"bytes"
	"math/rand"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// twins decode every packet twice, once with the fast path and once without,
// and compare.
type twins struct {
	fast, slow *Decoder
	a, b       []packet.Summary
	taken      int // packets that the fast path took
}

func newTwins(opt Options) *twins {
	var t twins
	t.fast, t.slow = New(opt), New(opt)
	return &t
}

// differ decodes p and says how the summaries differ, "" if they do not.
func (t *twins) differ(p *capture.Packet) string {
	var ra, rb Result
	t.a, ra = t.fast.Decode(t.a[:0], p)
	if t.fast.fast(new(packet.Summary), p) {
		t.taken++
	}
	t.b, rb = t.slow.decodeLayers(t.b[:0], p)
	if ra != rb {
		return "result " + ra.String() + ", want " + rb.String()
	}
	if len(t.a) != len(t.b) {
		return "another number of summaries"
	}
	for i := range t.a {
		x, y := &t.a[i], &t.b[i]
		if !bytes.Equal(x.Payload, y.Payload) {
			return "another payload"
		}
		u, v := *x, *y
		u.Payload, v.Payload = nil, nil
		if !reflect.DeepEqual(u, v) {
			return "another summary"
		}
	}
	return ""
}

// eachCapture calls f for the captures of the project, and for those beside
// the repository where there are any: with -short one in eight of them, since
// decoding starts no goroutine that the race detector could watch.
func eachCapture(t *testing.T, f func(name string, packets []capture.Packet)) {
	names, err := filepath.Glob("../../testdata/captures/*.pcap*")
	if err != nil || len(names) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	more, _ := filepath.Glob("../../../shared/captures/files/*")
	if len(more) == 0 {
		t.Log("no ../shared/captures: only the project's own captures are compared")
	}
	for i, name := range more {
		if !testing.Short() || i%8 == 0 {
			names = append(names, name)
		}
	}
	for _, name := range names {
		r, err := capture.Open(name, capture.Options{NoReadAhead: true})
		if err != nil {
			continue // not a capture; package capture's tests look at these
		}
		var all []capture.Packet
		var batch [64]capture.Packet
		for {
			n, err := r.Next(batch[:])
			for _, p := range batch[:n] {
				p.Data = slices.Clone(p.Data)
				all = append(all, p)
			}
			if err != nil {
				break // damage too: what could be read is compared
			}
		}
		r.Close()
		f(name, all)
	}
}

func TestFastPathEqualsLayers(t *testing.T) {
	files, packets, taken := 0, 0, 0
	eachCapture(t, func(name string, all []capture.Packet) {
		tw := newTwins(Options{})
		for i := range all {
			if d := tw.differ(&all[i]); d != "" {
				t.Errorf("%s, packet %d: %s\n got %+v\nwant %+v", name, i+1, d, tw.a, tw.b)
				return
			}
		}
		files, packets, taken = files+1, packets+len(all), taken+tw.taken
	})
	t.Logf("%d captures, %d packets, the fast path took %d", files, packets, taken)
	if taken*2 < packets {
		t.Errorf("the fast path took %d of %d packets", taken, packets)
	}
}

// mutations is how many captures the test below changes.
const mutations = 1000

func TestFastPathEqualsLayersOnMutations(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	var pool []capture.Packet
	eachCapture(t, func(_ string, all []capture.Packet) {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		pool = append(pool, all[:min(len(all), 40)]...)
	})
	taken, mutations := 0, mutations
	if testing.Short() {
		mutations /= 8
	}
	for m := range mutations {
		tw := newTwins(Options{Tunnels: Tunnels(m % 3), Ignore: Ignore(m%2) * IgnoreAll})
		for range 50 {
			p := pool[r.Intn(len(pool))]
			p.Data = mutate(r, p.Data)
			if r.Intn(8) == 0 {
				p.Link = capture.LinkEthernet
			}
			if r.Intn(4) != 0 {
				p.Length = max(p.Length, uint32(len(p.Data)))
			}
			if d := tw.differ(&p); d != "" {
				t.Fatalf("mutation %d: %s\n% x\n got %+v\nwant %+v", m, d, p.Data, tw.a, tw.b)
			}
		}
		taken += tw.taken
	}
	t.Logf("the fast path took %d of %d packets", taken, mutations*50)
}

// mutate changes, cuts or lengthens a copy of a packet, mostly in its headers.
func mutate(r *rand.Rand, data []byte) []byte {
	b := slices.Clone(data)
	for range r.Intn(4) {
		if len(b) == 0 {
			break
		}
		at := r.Intn(min(len(b), 80))
		switch r.Intn(5) {
		case 0:
			b[at] ^= 1 << r.Intn(8)
		case 1:
			b[at] = byte(r.Intn(256))
		case 2:
			b = b[:r.Intn(len(b))+1]
		case 3:
			b = append(b, make([]byte, r.Intn(20))...)
		case 4: // a VLAN tag or an EtherType where one may stand
			if len(b) > 20 {
				copy(b[12:], [][]byte{{0x81, 0, 0x20, 5}, {0x88, 0xa8, 0, 7, 0x81, 0, 0, 8}, {8, 0}, {0x86, 0xdd}}[r.Intn(4)])
			}
		}
	}
	return b
}

func TestTunnelPort(t *testing.T) {
	for p := range 1 << 16 {
		if got, want := tunnelPort(uint16(p)), slices.Contains(allTunnelPorts, uint16(p)); got != want {
			t.Errorf("port %d: %v, want %v", p, got, want)
		}
	}
}

func TestDecodeAllIsDecode(t *testing.T) {
	eachCapture(t, func(name string, all []capture.Packet) {
		one, many := New(Options{}), New(Options{})
		var a, b []packet.Summary
		others := 0
		for i := range all {
			a, _ = one.Decode(a, &all[i])
		}
		for rest := all; len(rest) > 0; {
			n := min(len(rest), 37)
			b = many.DecodeAll(b, rest[:n], func(*capture.Packet, Result) { others++ })
			rest = rest[n:]
		}
		if len(a) != len(b) || len(a) > 0 && !reflect.DeepEqual(a, b) || one.Counts() != many.Counts() {
			t.Errorf("%s: %d summaries and %v, one by one %d and %v", name, len(b), many.Counts(), len(a), one.Counts())
		}
		if others > len(all) {
			t.Errorf("%s: %d of %d packets were told of", name, others, len(all))
		}
	})
}

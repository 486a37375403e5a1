package rules

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

// classProtocols are with and without ports, known to rules or not.
var classProtocols = []uint8{protoTCP, protoUDP, protoSCTP, protoDCCP, protoUDPLite, protoICMP, protoICMPv6, 47}

// within picks a number from one to another, often one of these two.
func pickWithin(r *rand.Rand, from, to uint64) uint64 {
	switch n := r.IntN(4); {
	case n == 0 || from == to:
		return from
	case n == 1:
		return to
	case to-from == 1<<64-1:
		return r.Uint64()
	}
	return from + r.Uint64N(to-from+1)
}

// pickAddr picks an address of an interval.
func (c *Classes) pickAddr(r *rand.Rand, n int) netip.Addr {
	if n < len(c.v4) {
		end := uint64(1<<32 - 1)
		if n+1 < len(c.v4) {
			end = uint64(c.v4[n+1]) - 1
		}
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(pickWithin(r, uint64(c.v4[n]), end)))
		return netip.AddrFrom4(b)
	}
	n -= len(c.v4)
	begin, end := c.v6[n], bits128{1<<64 - 1, 1<<64 - 1}
	if n+1 < len(c.v6) {
		if end = c.v6[n+1]; end.lo == 0 {
			end.hi--
		}
		end.lo--
	}
	var b [16]byte
	hi := pickWithin(r, begin.hi, end.hi)
	lo, most := uint64(0), uint64(1<<64-1)
	if hi == begin.hi {
		lo = begin.lo
	}
	if hi == end.hi {
		most = end.lo
	}
	binary.BigEndian.PutUint64(b[:8], hi)
	binary.BigEndian.PutUint64(b[8:], pickWithin(r, lo, most))
	return netip.AddrFrom16(b)
}

// pickPort picks a port of the interval in which another one is.
func pickPort(r *rand.Rand, intervals []uint16, like uint16) uint16 {
	from, _ := slices.BinarySearch(intervals, intervals[like])
	to, _ := slices.BinarySearch(intervals, intervals[like]+1)
	return uint16(pickWithin(r, uint64(from), uint64(to-1)))
}

// checkClasses compares decisions on flows of one class with one another.
func checkClasses(t testing.TB, fw *Firewall, seed uint64, n int) {
	t.Helper()
	c := fw.Classes(nil, nil)
	if c == nil {
		return
	}
	r := rand.New(rand.NewPCG(seed, 5))
	// Half of the addresses and ports are where the rules cut.
	interval := func(v4 bool) int {
		if v4 {
			return r.IntN(len(c.v4))
		}
		return len(c.v4) + r.IntN(len(c.v6))
	}
	port := func(intervals []uint16) uint16 {
		if r.IntN(2) == 0 {
			return uint16(r.Uint32())
		}
		i, _ := slices.BinarySearch(intervals, uint16(r.IntN(int(intervals[65535])+1)))
		return uint16(i)
	}
	for range n {
		v4 := r.IntN(3) > 0
		from, to := interval(v4), interval(v4 != (r.IntN(20) == 0))
		f := Flow{
			Protocol: classProtocols[r.IntN(len(classProtocols))], Hook: Hook(r.IntN(4) * r.IntN(2)),
			Client: c.pickAddr(r, from), Server: c.pickAddr(r, to), ClientPort: port(c.client), ServerPort: port(c.server),
		}
		g := f
		g.Client, g.Server = c.pickAddr(r, from), c.pickAddr(r, to)
		g.ClientPort, g.ServerPort = pickPort(r, c.client, f.ClientPort), pickPort(r, c.server, f.ServerPort)
		one, ok1 := c.Of(&f)
		other, ok2 := c.Of(&g)
		if !ok1 || !ok2 {
			t.Fatalf("no class: %+v, %+v", f, g)
		}
		if one != other {
			if (f.Client == f.Server) == (g.Client == g.Server) {
				t.Fatalf("picked from one interval each, and of two classes: %+v, %+v", f, g)
			}
			continue
		}
		if a, b := fw.Decide(&f), fw.Decide(&g); !reflect.DeepEqual(a, b) {
			t.Fatalf("one class, two decisions:\n%+v\n\t%+v\n%+v\n\t%+v", f, a, g, b)
		}
		for _, s := range fw.Sets {
			for i := range s.Openings {
				o := &s.Openings[i]
				if o.Covers(f.Protocol, f.Server, f.ServerPort) != o.Covers(g.Protocol, g.Server, g.ServerPort) || o.Clients != nil && within(f.Client, o.Clients) != within(g.Client, o.Clients) {
					t.Fatalf("one class, and opening %+v covers one of them:\n%+v\n%+v", o, f, g)
				}
			}
		}
	}
}

// TestClassesApart tells what classes tell apart.
func TestClassesApart(t *testing.T) {
	fw := readText(t, Options{}, "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -s 10.1.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n")
	c := fw.Classes(nil, nil)
	flow := func(client, server string, port uint16) *Flow {
		return &Flow{Protocol: protoTCP, Client: netip.MustParseAddr(client), ClientPort: 40000, Server: netip.MustParseAddr(server), ServerPort: port}
	}
	base, _ := c.Of(flow("10.1.0.1", "192.0.2.1", 22))
	for _, x := range []struct {
		f    *Flow
		same bool
	}{
		{flow("10.1.255.255", "192.0.2.200", 22), true},
		{flow("::ffff:10.1.0.9", "192.0.2.1", 22), true},
		{flow("10.2.0.0", "192.0.2.1", 22), false},
		{flow("10.1.0.1", "10.1.0.1", 22), false},
		{flow("10.1.0.1", "192.0.2.1", 23), false},
	} {
		got, ok := c.Of(x.f)
		if !ok || (got == base) != x.same {
			t.Errorf("%+v: of the same class %v, want %v", x.f, got == base, x.same)
		}
	}
	for _, f := range []*Flow{flow("fe80::1%eth0", "fe80::2", 22), {Protocol: protoTCP}, {Client: base4(1), Server: base4(2), In: "eth0"}} {
		if _, ok := c.Of(f); ok {
			t.Errorf("%+v has a class", f)
		}
	}
	odd := readText(t, Options{}, "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -s 10.0.0.5/255.0.0.255 -j ACCEPT\nCOMMIT\n")
	if odd.Classes(nil, nil) != nil {
		t.Error("a mask that is no prefix has classes")
	}
}

func base4(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }

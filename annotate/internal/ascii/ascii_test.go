package ascii

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	for _, ns := range []int64{0, 1, -1, 1e18, 951782400e9, 951868799999999999, 4102444800e9, -2208988800e9, math.MaxInt64, math.MinInt64, 1709164800e9} {
		want := time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000")
		if got := string(new(Clock).Append(nil, ns)); got != want {
			t.Errorf("%d: %s, want %s", ns, got, want)
		}
	}
	var c Clock
	for d := int64(-40000); d < 60000; d++ {
		want := time.Unix(d*86400, 0).UTC().Format("2006-01-02")
		if got := string(c.Append(nil, d*86400e9)[:10]); got != want {
			t.Fatalf("day %d: %s, want %s", d, got, want)
		}
	}
}

func TestAppendUint(t *testing.T) {
	for n := uint64(0); n < 120_000; n++ {
		if got, want := string(AppendUint(nil, n)), strconv.FormatUint(n, 10); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	for n := uint64(100_000); n > 0; n *= 7 { // until the top bits are lost
		for _, n := range []uint64{n, -n, 1<<32 + n, 1<<32 - n} {
			if got, want := string(AppendUint(nil, n)), strconv.FormatUint(n, 10); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		}
		if n > 1<<60 {
			break
		}
	}
}

func TestAppendAddr(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	check := func(a netip.Addr) {
		if got, want := string(AppendAddr([]byte("x"), a)), "x"+a.String(); a.IsValid() && got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		ap := netip.AddrPortFrom(a, uint16(r.Uint32()))
		if got, want := string(AppendAddrPort(nil, ap)), ap.String(); a.IsValid() && got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	for range 20_000 {
		var a [16]byte
		zeros := r.Uint32() // of groups and of the upper halves
		for i := range a {
			if zeros>>(i/2)&1 != 0 && zeros>>(16+i)&1 != 0 {
				a[i] = byte(r.Uint32() >> (r.Uint32() % 8))
			}
		}
		check(netip.AddrFrom16(a))
		check(netip.AddrFrom4([4]byte(a[:4])))
		check(netip.AddrFrom4([4]byte{a[0], byte(r.Uint32()), byte(r.Uint32() % 100), byte(r.Uint32() % 10)}))
	}
	for zeros := range 256 { // each pattern of zero groups
		var a [16]byte
		for i := range 8 {
			a[2*i+1] = byte(zeros >> i & 1)
		}
		check(netip.AddrFrom16(a))
	}
	for _, s := range []string{"::", "::1", "1::", "fe80::1%eth0", "::ffff:192.0.2.1", "0.0.0.0", "255.255.255.255"} {
		check(netip.MustParseAddr(s))
	}
	check(netip.Addr{})
}

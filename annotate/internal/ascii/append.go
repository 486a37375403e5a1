package ascii

import "time"

// Clock appends times. It remembers the last one, which a record has several
// times, and its second, which most flows share with the flow before.
type Clock struct {
	second int64 // since the Unix epoch
	ns     int64 // since the Unix epoch
	valid  bool
	text   [29]byte // "2026-08-17T09:00:00.000000000"
}

// Append appends a time, nanoseconds since the Unix epoch, as RFC 3339 in UTC
// with nine decimals and without the Z: "2026-08-17T09:00:00.000000000". The
// fixed width sorts as text.
func (c *Clock) Append(dst []byte, ns int64) []byte {
	if !c.valid || ns != c.ns {
		sec, frac := ns/1e9, ns%1e9
		if frac < 0 {
			sec, frac = sec-1, frac+1e9
		}
		if !c.valid || sec != c.second {
			time.Unix(sec, 0).UTC().AppendFormat(c.text[:0], "2006-01-02T15:04:05")
		}
		c.second, c.ns, c.valid = sec, ns, true
		f := uint32(frac)
		b := append(c.text[:19], '.', byte('0'+f/1e8))
		append4(append4(b, f/1e4%1e4), f%1e4)
	}
	return append(dst, c.text[:]...)
}

// digits are the numbers to 99, two digits each.
var digits = func() (t [100][2]byte) {
	for i := range t {
		t[i] = [2]byte{byte('0' + i/10), byte('0' + i%10)}
	}
	return t
}()

// AppendUint appends a decimal number. Most are a port, or a count of few digits,
// for which strconv is twice as slow: it writes elsewhere and copies.
func AppendUint(dst []byte, n uint64) []byte {
	if n < 10 {
		return append(dst, byte('0'+n))
	}
	return appendLarger(dst, n)
}

func appendLarger(dst []byte, n uint64) []byte {
	switch d := uint32(n); {
	case n >= 1e8:
		d = uint32(n % 1e8)
		return append4(append4(AppendUint(dst, n/1e8), d/1e4), d%1e4)
	case d >= 1e4:
		return append4(AppendUint(dst, uint64(d/1e4)), d%1e4)
	case d >= 1000:
		return append4(dst, d)
	case d >= 100:
		x := digits[d%100]
		return append(dst, byte('0'+d/100), x[0], x[1])
	default:
		return append2(dst, d)
	}
}

// append2 appends a number below 100 in two digits, append4 one below 10,000 in
// four.
func append2(dst []byte, n uint32) []byte {
	x := digits[n%100]
	return append(dst, x[0], x[1])
}

func append4(dst []byte, n uint32) []byte {
	x, y := digits[n/100%100], digits[n%100]
	return append(dst, x[0], x[1], y[0], y[1])
}

package ascii

// Clock appends times. It remembers the last one, which a record has several
// times, and its day and second, which most flows share with the flow before.
type Clock struct {
	day    int64 // since the Unix epoch
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
			c.set(sec)
		}
		c.ns = ns
		f := uint32(frac)
		b := append(c.text[:19], '.', byte('0'+f/1e8))
		append4(append4(b, f/1e4%1e4), f%1e4)
	}
	return append(dst, c.text[:]...)
}

func (c *Clock) set(sec int64) {
	day, rest := sec/86400, uint32(sec%86400)
	if sec%86400 < 0 {
		day, rest = day-1, uint32(sec%86400+86400)
	}
	if !c.valid || day != c.day {
		y, m, d := civil(day) // 64 bits of nanoseconds reach from 1677 to 2262
		b := append2(append2(c.text[:0], uint32(y/100)), uint32(y%100))
		b = append2(append(b, '-'), uint32(m))
		b = append2(append(b, '-'), uint32(d))
		copy(c.text[len(b):], "T00:00:00")
	}
	c.day, c.second, c.valid = day, sec, true
	append2(c.text[11:11], rest/3600)
	append2(c.text[14:14], rest/60%60)
	append2(c.text[17:17], rest%60)
}

// civil gives the date of the proleptic Gregorian calendar that lies days after
// 1970-01-01. Years are counted from March, in cycles of 400.
func civil(days int64) (y, m, d int) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	n := int(days - era*146097)
	yoe := (n - n/1460 + n/36524 - n/146096) / 365
	doy := n - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	y = yoe + int(era)*400
	if m > 12 {
		m, y = m-12, y+1
	}
	return y, m, d
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

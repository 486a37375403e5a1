package annotate

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

// dates remembers from when on ports were registered, since flows share few of
// them and reading a date takes longer than all else in an annotation.
type dates struct {
	days [iana.NumTransports]atomic.Pointer[[1 << 16]atomic.Int32]
}

// noDay says that a registration has no date. 0, the day of the Unix epoch, is
// the mark of a place that was not filled yet: the registry is younger.
const noDay = math.MinInt32

// begin gives the time, in nanoseconds since the Unix epoch, at which the day
// of the entry's registration begins, or the earliest time there is where the
// registry gives no date.
func (d *dates) begin(e *iana.Entry) int64 {
	if int(e.Transport) >= len(d.days) {
		return math.MinInt64
	}
	days := d.days[e.Transport].Load()
	if days == nil {
		d.days[e.Transport].CompareAndSwap(nil, new([1 << 16]atomic.Int32))
		days = d.days[e.Transport].Load()
	}
	day := days[e.Port].Load()
	if day == 0 {
		day = registrationDay(e.Registered())
		days[e.Port].Store(day)
	}
	if day == noDay {
		return math.MinInt64
	}
	return int64(day) * 86400e9
}

// registrationDay gives a date of the registry, "2013-11-12" or "2005-04", in
// days since 1970-01-01. A month without a day counts from its first, so that
// nothing is called registered later that may not have been. Dates that are
// absent or malformed give noDay.
func registrationDay(date string) int32 {
	var n [3]int
	i := 0
	for _, c := range []byte(date) {
		switch {
		case c == '-' && i < 2:
			i++
		case '0' <= c && c <= '9' && n[i] < 1000:
			n[i] = n[i]*10 + int(c-'0')
		default:
			return noDay
		}
	}
	if i == 0 || n[1] < 1 || n[1] > 12 {
		return noDay
	}
	if i == 1 {
		n[2] = 1
	}
	return int32(time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

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

// begin gives the time, in nanoseconds since the Unix epoch, at which the first day
// begins on which the port may have been registered (see [iana.RegisteredFrom]), or
// the earliest time there is where nothing tells.
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
		day = dayOf(iana.RegisteredFrom(*e))
		days[e.Port].Store(day)
	}
	if day == noDay {
		return math.MinInt64
	}
	return int64(day) * 86400e9
}

// dayOf gives a day, "2013-11-12", in days since 1970-01-01, and noDay for any other
// text.
func dayOf(date string) int32 {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return noDay
	}
	return int32(t.Unix() / 86400)
}

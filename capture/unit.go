package capture

import (
	"math"
	"math/bits"
)

// ngUnit is the unit of an interface's timestamps (options if_tsresol and
// if_tsoffset). if_tsresol is an exponent: the unit is 10^-n seconds, or 2^-n
// seconds when its top bit is set.
type ngUnit struct {
	mul    uint64 // nanoseconds in a unit, when it has a whole number of them; else 0
	limit  uint64 // greatest timestamp that mul can be applied to
	div    uint64 // units in a nanosecond, when mul is 0 and this is not
	shift  uint   // else the unit is 2^-shift seconds
	offset int64  // nanoseconds to add
	none   bool   // no timestamp of this interface is within range
}

// microseconds is the unit of an interface that does not say one.
var microseconds = newUnit(6, 0)

// newUnit makes a unit of the option values; offset is in seconds.
func newUnit(resol byte, offset int64) ngUnit {
	var u ngUnit
	n := uint(resol & 0x7f)
	switch {
	case resol&0x80 != 0:
		u.shift = n
	case n <= 9:
		u.mul = pow10(9 - n)
		u.limit = math.MaxInt64 / u.mul
	case n-9 <= 19:
		u.div = pow10(n - 9)
	default: // 2^64 units are not a nanosecond, nor are they of 2^-127 seconds
		u.shift = 127
	}
	const most = math.MaxInt64 / 1_000_000_000
	if offset < -most || offset > most {
		u.none = true
		return u
	}
	u.offset = offset * 1_000_000_000
	return u
}

func pow10(n uint) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

// nanos turns a timestamp into nanoseconds since the epoch. Times outside of
// 1677 to 2262, which do not fit, are unknown: 0.
func (u *ngUnit) nanos(stamp uint64) int64 {
	if u.mul != 0 && stamp <= u.limit && u.offset == 0 && !u.none {
		return int64(stamp * u.mul)
	}
	return u.slow(stamp)
}

func (u *ngUnit) slow(stamp uint64) int64 {
	var t uint64
	switch {
	case u.none:
		return 0
	case u.mul != 0:
		if stamp > u.limit {
			return 0
		}
		t = stamp * u.mul
	case u.div != 0:
		t = stamp / u.div
	default:
		// stamp * 10^9 / 2^shift, in 128 bits.
		hi, lo := bits.Mul64(stamp, 1_000_000_000)
		switch {
		case u.shift >= 64:
			t = hi >> (u.shift - 64)
		case hi>>u.shift != 0:
			return 0
		default:
			t = hi<<(64-u.shift) | lo>>u.shift
		}
	}
	if t > math.MaxInt64 || u.offset > 0 && int64(t) > math.MaxInt64-u.offset {
		return 0
	}
	return int64(t) + u.offset
}

package netflow

import (
	"encoding/binary"
	"math"
)

// clock is what relative times of a message are relative to.
type clock struct {
	export int64 // time of the message, nanoseconds since the Unix epoch
	// uptime is the exporter's at the time of export, in milliseconds; it
	// wraps. It is valid when hasUptime.
	uptime    uint32
	hasUptime bool
	boot      int64 // when the exporter started, likewise in nanoseconds; 0 when not known
}

// at gives the time of an uptime in milliseconds, 0 when it cannot be told. An
// uptime may lie on the other side of a wrap, and a little after the export.
func (c *clock) at(ms uint32) int64 {
	switch {
	case c.hasUptime:
		return c.export - int64(int32(c.uptime-ms))*1e6
	case c.boot != 0:
		return c.export - int64(int32(uint32((c.export-c.boot)/1e6)-ms))*1e6 - (c.export-c.boot)%1e6
	}
	return 0
}

// times are those of one direction.
type times struct {
	start, end         int64 // 0 when not known
	startFrom, endFrom element
	duration           int64
}

// set takes the value of a time element.
func (t *times) set(e element, b []byte, c *clock) {
	v, ok := number(b)
	if !ok || v == 0 && e != startUptime && e != endUptime && e != startDelta && e != endDelta {
		return
	}
	var at int64
	switch e {
	case durationMilli:
		if v <= math.MaxUint32 {
			t.duration = int64(v) * 1e6
		}
		return
	case durationMicro:
		if v <= math.MaxUint32 {
			t.duration = int64(v) * 1e3
		}
		return
	case startUptime, endUptime:
		at = c.at(uint32(v))
	case startDelta, endDelta:
		at = c.export - int64(uint32(v))*1e3 // microseconds before the export
	case startSecond, endSecond:
		at = scaled(v, 1e9)
	case startMilli, endMilli:
		at = scaled(v, 1e6)
	case startMicro, endMicro, startNano, endNano:
		at = ntp(v)
	}
	if at <= 0 {
		return
	}
	if e < endUptime {
		if e >= t.startFrom {
			t.start, t.startFrom = at, e
		}
	} else if e >= t.endFrom {
		t.end, t.endFrom = at, e
	}
}

// span gives the start and the end as far as they are known.
func (t *times) span() (start, end int64) {
	start, end = t.start, t.end
	switch {
	case t.duration == 0:
	case end == 0 && start != 0:
		end = start + t.duration
	case start == 0 && end != 0:
		start = end - t.duration
	}
	return start, end
}

// scaled gives v units of so many nanoseconds, 0 when these do not fit.
func scaled(v uint64, unit uint64) int64 {
	if v > math.MaxInt64/unit {
		return 0
	}
	return int64(v * unit)
}

// ntp converts an NTP timestamp (RFC 5905 section 6): seconds since 1900 and a
// 32 bit fraction. Seconds below 2^31 are those of the era that begins in 2036.
func ntp(v uint64) int64 {
	const unixEpoch = 2208988800 // in seconds since 1900
	sec := int64(v >> 32)
	if sec < 1<<31 {
		sec += 1 << 32
	}
	return (sec-unixEpoch)*1e9 + int64((v&math.MaxUint32)*1e9>>32)
}

// number reads an unsigned number of any length up to 8 bytes: exporters may
// leave out leading zeros (RFC 7011 section 6.2).
func number(b []byte) (v uint64, ok bool) {
	switch len(b) {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), true
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), true
	case 8:
		return binary.BigEndian.Uint64(b), true
	case 3, 5, 6, 7:
		for _, c := range b {
			v = v<<8 | uint64(c)
		}
		return v, true
	}
	return 0, false
}

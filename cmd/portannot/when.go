package main

import (
	"strconv"
	"strings"
	"time"
)

// whenForms are the forms of --since and --until without a zone, which is UTC then,
// as in the output.
var whenForms = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
}

const whenHint = "a time is 2026-09-14, '2026-09-14 09:00', 2026-09-14T09:00:00Z, seconds since 1970, or 90m, which is before now"

// parseWhen reads a time, in nanoseconds since the Unix epoch. A duration is before
// now.
func parseWhen(flag, text string, now time.Time) (int64, error) {
	s := strings.TrimSpace(text)
	if d, err := time.ParseDuration(s); err == nil && s != "0" {
		return now.Add(-d.Abs()).UnixNano(), nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(-time.Duration(n) * 24 * time.Hour).UnixNano(), nil
		}
	}
	if s == "now" {
		return now.UnixNano(), nil
	}
	for _, form := range whenForms {
		if t, err := time.Parse(form, s); err == nil && t.Year() > 1970 && t.Year() < 2262 {
			return t.UnixNano(), nil
		}
	}
	// Whole seconds apart from their fraction, since a float64 has no room for both.
	whole, fraction, _ := strings.Cut(s, ".")
	if sec, err := strconv.ParseInt(whole, 10, 64); err == nil && sec > 0 && sec < 9e9 {
		if nanos, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 64); err == nil && len(fraction) <= 9 && len(whole) > 4 {
			return sec*1e9 + int64(nanos), nil
		}
	}
	return 0, usagef(whenHint, "--%s %q: not a time", flag, text)
}

package flowlog

import (
	"strings"
	"testing"
	"time"
)

// Lines that are made to be slow take no longer than others of their length:
// eight times the length takes about eight times the time, and not 64.
func TestNoSlowLines(t *testing.T) {
	for name, line := range map[string]func(n int) string{
		"CEF without spaces": func(n int) string { return "CEF:0|a|b|c|d|e|f|" + strings.Repeat("a=", n) },
		"CEF of spaces":      func(n int) string { return "CEF:0|a|b|c|d|e|f|a=" + strings.Repeat(" ", 2*n) },
		"LEEF":               func(n int) string { return "LEEF:1.0|a|b|c|d|" + strings.Repeat("a=", n) },
		"pairs":              func(n int) string { return "a=b," + strings.Repeat("c,", n) },
		"brackets":           func(n int) string { return "a=b " + strings.Repeat("[ ", n) },
		"netfilter":          func(n int) string { return "kernel: IN= OUT= SRC= DST= PROTO= " + strings.Repeat("SYN ", n/2) },
		"an ASA of ends": func(n int) string {
			return "%ASA-6-302013: Built inbound TCP connection 1 for " + strings.Repeat("a:", n)
		},
		"numbers":             func(n int) string { return "x " + strings.Repeat("1 ", n) },
		"dots":                func(n int) string { return "x " + strings.Repeat("1.", n) },
		"colons in JSON":      func(n int) string { return `{"a":"` + strings.Repeat(`\":`, n/2) + `"}` },
		"envelopes":           func(n int) string { return `{"event":{"event":{"event":{"a":"` + strings.Repeat("x", 2*n) + `"}}}}` },
		"arrays of envelopes": func(n int) string { return `{"records":[` + strings.Repeat(`{"a":1},`, n/4) + `{}]}` },
		"nested arrays": func(n int) string {
			return strings.Repeat(`{"records":[`, 400) + strings.Repeat(" ", 2*n) + "{}" + strings.Repeat(`]}`, 400)
		},
		"commas":              func(n int) string { return strings.Repeat(",", 2*n) },
		"a structured header": func(n int) string { return "<1>1 2026-09-14T09:00:00Z a b c d [" + strings.Repeat(`"`, 2*n) },
	} {
		took := func(n int) time.Duration {
			best := time.Hour
			for range 2 {
				start := time.Now()
				enrich(t, strings.NewReader(line(n)+"\n"), EnrichOptions{Workers: 1})
				best = min(best, time.Since(start))
			}
			return best
		}
		const n = 1 << 14
		if short, long := took(n), took(8*n); long > 50*time.Millisecond && long > 30*short {
			t.Errorf("%s: %v, and %v for eight times the length", name, short, long)
		}
	}
}

package main

import (
	"testing"
	"time"
)

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 9, 14, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-09-14":                     "2026-09-14T00:00:00Z",
		"2026-09-14 09:00":               "2026-09-14T09:00:00Z",
		"2026-09-14T09:00:01.5":          "2026-09-14T09:00:01.5Z",
		"2026-09-14T09:00:01Z":           "2026-09-14T09:00:01Z",
		"2026-09-14T09:00:00.000001234Z": "2026-09-14T09:00:00.000001234Z",
		"2026-09-14 09:00:01+02:00":      "2026-09-14T07:00:01Z",
		"1789376400":                     "2026-09-14T09:00:00Z",
		"1789376400.123456":              "2026-09-14T09:00:00.123456Z",
		"90m":                            "2026-09-14T10:30:00Z",
		"-90m":                           "2026-09-14T10:30:00Z",
		"2d":                             "2026-09-12T12:00:00Z",
		"now":                            "2026-09-14T12:00:00Z",
	} {
		got, err := parseWhen("since", text, now)
		if at := time.Unix(0, got).UTC().Format(time.RFC3339Nano); err != nil || at != want {
			t.Errorf("%q: %s, %v, want %s", text, at, err, want)
		}
	}
	for _, text := range []string{"", "0", "yesterday", "2026", "2026-13-01", "09:00", "1789376400.x", "99999999999999999999", "9999-01-01"} {
		if got, err := parseWhen("since", text, now); err == nil {
			t.Errorf("%q is taken for %v", text, time.Unix(0, got))
		}
	}
}

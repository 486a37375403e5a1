package flowlog

import (
	"testing"
	"time"
)

// TestDaysSinceEpoch compares every day from 1970 to 2261 with package time.
func TestDaysSinceEpoch(t *testing.T) {
	day := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	for want := int64(0); day.Year() < 2262; want++ {
		if got := daysSinceEpoch(int64(day.Year()), int64(day.Month()), int64(day.Day())); got != want {
			t.Fatalf("%v: %d, want %d", day, got, want)
		}
		day = day.AddDate(0, 0, 1)
	}
}

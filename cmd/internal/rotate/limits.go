package rotate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units of sizes, in bytes. The longest come first where one ends in another.
var units = []struct {
	name  string
	bytes float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"b", 1},
}

// ParseLimits reads a time, a size, or both with a comma between them: "1h",
// "100MB", "24h,1GiB". Times are those of [time.ParseDuration], and days: "7d". A
// limit that is not named is 0.
func ParseLimits(s string) (every time.Duration, size int64, err error) {
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if n, ok := parseSize(part); ok && size == 0 {
			size = n
		} else if d, ok := parseTime(part); ok && every == 0 {
			every = d
		} else {
			return 0, 0, fmt.Errorf("%q: want a time of at least 1s, a size, or both: 1h, 100MB, 1h,100MB", s)
		}
	}
	return every, size, nil
}

func parseTime(s string) (time.Duration, bool) {
	var d time.Duration
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, false
		}
		d = time.Duration(n) * 24 * time.Hour
	} else {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			return 0, false
		}
	}
	return d, d >= time.Second
}

func parseSize(s string) (int64, bool) {
	s = strings.ToLower(s)
	for _, u := range units {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			n *= u.bytes
			return int64(n), err == nil && n >= 1 && n < math.MaxInt64
		}
	}
	return 0, false
}

// ParseFileSize reads a size as tcpdump's -C takes it: millions of bytes, or with
// k, m or g at the end 1,024 bytes and powers of it.
func ParseFileSize(s string) (int64, error) {
	unit, number := int64(1e6), s
	if n := len(s); n > 0 {
		if i := strings.IndexByte("kmg", s[n-1]|0x20); i >= 0 {
			unit, number = 1<<(10*(i+1)), s[:n-1]
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q: want millions of bytes, or 1,024 bytes and powers of it: 100, 64k, 100m, 1g", s)
	}
	return n * unit, nil
}

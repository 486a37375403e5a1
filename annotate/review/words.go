package review

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// countsText writes counts as "closed 3, refused 1", the greatest first.
func countsText(counts []NameCount) string {
	parts := make([]string, len(counts))
	for i, c := range counts {
		parts[i] = c.Name + " " + strconv.Itoa(c.Count)
	}
	return strings.Join(parts, ", ")
}

// counts lists states, the most frequent first. The unknown one is left out.
func (s *states) counts() []NameCount { return s.appendCounts(nil) }

func (s *states) appendCounts(list []NameCount) []NameCount {
	for st, n := range s {
		name := stateName(st)
		if n == 0 || name == "" {
			continue
		}
		// A capture and a log may both have "attempted".
		if i := slices.IndexFunc(list, func(c NameCount) bool { return c.Name == name }); i >= 0 {
			list[i].Count += int(n)
		} else {
			list = append(list, NameCount{name, int(n)})
		}
	}
	slices.SortStableFunc(list, func(a, b NameCount) int { return b.Count - a.Count })
	return list
}

// plural gives "1 flow", "2 flows", "2 entries".
func plural(n uint64, what string) string {
	s := strconv.FormatUint(n, 10) + " " + what
	switch {
	case n == 1:
	case strings.HasSuffix(what, "ss"):
		s += "es"
	case strings.HasSuffix(what, "y"):
		s = strings.TrimSuffix(s, "y") + "ies"
	default:
		s += "s"
	}
	return s
}

// oneOrMore chooses the word that goes with n things.
func oneOrMore(n uint64, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// Size formats a number of bytes: "812 B", "1.2 MB".
func Size(n uint64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB", "PB"} {
		if f /= 1000; f < 999.95 {
			return fmt.Sprintf("%.1f %s", f, unit)
		}
	}
	return fmt.Sprintf("%.1f EB", f/1000)
}

// Moment writes a time for people, in UTC: "2026-09-14 09:00:00".
func (t Time) Moment() string {
	if t == 0 {
		return "not known"
	}
	return time.Unix(0, int64(t)).UTC().Format("2006-01-02 15:04:05")
}

// Text writes the window for people: "2026-09-14 09:00:00 to 09:14:37 UTC".
func (w Window) Text() string {
	if w.First == 0 || w.Last == 0 {
		return "not known"
	}
	first, last := w.First.Moment(), w.Last.Moment()
	if first == last {
		return first + " UTC"
	}
	day := len("2026-09-14 ")
	if first[:day] == last[:day] {
		last = last[day:]
	}
	return first + " to " + last + " UTC"
}

// Length writes a duration for people, in its two greatest units: "14m37s",
// "3d4h", "250ms".
func Length(d time.Duration) string {
	switch {
	case d >= 24*time.Hour:
		d = d.Round(time.Hour)
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Second:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

// sample writes the first names of a list, and how many more there are.
func sample(names []string, most int) string {
	if len(names) <= most+1 {
		return join(names)
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}

// join writes a list as a sentence has it: "a, b and c".
func join(list []string) string {
	switch n := len(list); n {
	case 0:
		return ""
	case 1:
		return list[0]
	default:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
}

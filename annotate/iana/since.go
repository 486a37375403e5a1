package iana

import (
	"cmp"
	"slices"
	"time"
)

//go:generate go run ./gen/since

// RegisteredFrom returns the first day on which the port may have been registered
// as an entry says: "2013-11-12", or "" if nothing tells. Traffic of an earlier day is
// older than the registration.
//
// That day is the registration date of the record, or its first day if it is a month,
// unless the history of the registry knows better: see [RegisteredBetween].
func RegisteredFrom(e Entry) string {
	if e.Status != Assigned || e.reg == nil {
		return ""
	}
	registered := e.Registered()
	switch form := e.reg.edition.Form; {
	case form == "embedded":
		if n, ok := findSince(e.Transport, e.Port); ok {
			return embeddedSince[n].from
		}
		return firstDay(registered)
	case form == "compact" && e.reg.edition.Date >= embeddedDate:
		before := Embedded().Lookup(e.Transport, e.Port)
		if _, ok := sameRegistration(before, e.Name(), registered, embeddedDate, e.reg.edition.Date); ok {
			return RegisteredFrom(before)
		}
		return EarliestDay(registered, embeddedDate, e.reg.edition.Date)
	}
	after, by, ok := RegisteredBetween(e)
	if !ok {
		return firstDay(registered)
	}
	return EarliestDay(registered, after, by)
}

// EarliestDay returns the first day on which a port may have been registered, from the
// date of its record and from the editions that [RegisteredBetween] returns. A date
// that they contradict counts for nothing.
func EarliestDay(registered, after, by string) string {
	first := firstDay(registered)
	if after == "" {
		if first > by {
			return ""
		}
		return first
	}
	t, err := time.Parse(time.DateOnly, after)
	if err != nil {
		return first
	}
	next := t.AddDate(0, 0, 1).Format(time.DateOnly)
	switch {
	case first == "" || first > by:
		return next
	case len(registered) == len("2005-04") && registered == next[:len(registered)]:
		return next // the editions tell the days of the month apart
	}
	return first // it may have been published later
}

// firstDay returns the first day of a date of the registry, "2013-11-12" or
// "2005-04". It is "" for any other text.
func firstDay(date string) string {
	if _, err := time.Parse(time.DateOnly, date); err == nil {
		return date
	}
	if _, err := time.Parse("2006-01", date); err == nil {
		return date + "-01"
	}
	return ""
}

// since is the first day on which a port may have been registered.
type since struct {
	transport Transport
	port      uint16
	from      string
}

// findSince finds a port of the embedded edition for which the history knows better
// than its record. They stand in a table so that nobody reads the history for this.
func findSince(t Transport, port uint16) (int, bool) {
	return slices.BinarySearchFunc(embeddedSince, since{transport: t, port: port}, func(a, b since) int {
		return cmp.Or(cmp.Compare(a.port, b.port), cmp.Compare(a.transport, b.transport))
	})
}

package annotate

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

// AsOf is a day for which the registry was asked.
type AsOf struct {
	Day string // "2016-03-01", UTC
	// Registry is the newest known edition that is not later than the day. If none
	// is known, it is the first known edition, and Later is set: of so early a day
	// only the date of each record is known.
	Registry *iana.Registry
	Later    bool

	newest *iana.Registry // that of Options
}

// dayEditions finds the edition of a flow's day. It is safe for concurrent use.
type dayEditions struct {
	newest *iana.Registry
	last   atomic.Pointer[dayEdition] // that of the last flow, for most flows of a run
	early  atomic.Bool                // some day has no edition that is as early
	noDay  atomic.Bool                // some flow has no time

	mu       sync.Mutex
	days     map[int64]*dayEdition
	editions []*iana.Registry // those in use, the last one used last
}

// dayEdition is a day, in days since 1970-01-01, and its edition.
type dayEdition struct {
	number int64
	AsOf
}

// maxEditions bounds the editions that are kept, about 350 kB each. They are those of
// some two years. maxDays bounds the days.
const (
	maxEditions = 128
	maxDays     = 1 << 12
)

// of gives the edition of the day of a time, in nanoseconds since the Unix epoch.
func (d *dayEditions) of(at int64) *AsOf {
	number := at / 86400e9
	if at%86400e9 < 0 {
		number--
	}
	if e := d.last.Load(); e != nil && e.number == number {
		return &e.AsOf
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.days[number]
	if e == nil {
		e = d.make(number)
		d.days[number] = e
	}
	if n := slices.Index(d.editions, e.Registry); n != len(d.editions)-1 {
		d.editions = append(slices.Delete(d.editions, n, n+1), e.Registry)
	}
	d.last.Store(e)
	return &e.AsOf
}

// make finds the edition of a day, and forgets the one that was not used for longest
// if there are too many.
func (d *dayEditions) make(number int64) *dayEdition {
	at := time.Unix(number*86400, 0).UTC()
	e := &dayEdition{number, AsOf{Day: at.Format(time.DateOnly), newest: d.newest}}
	if e.Registry, e.Later = editionOf(at, d.newest); e.Later {
		d.early.Store(true)
	}
	if d.days == nil || len(d.days) >= maxDays {
		d.days, d.editions = make(map[int64]*dayEdition), nil
	}
	if !slices.Contains(d.editions, e.Registry) {
		if len(d.editions) >= maxEditions {
			old := d.editions[0]
			d.editions = slices.Delete(d.editions, 0, 1)
			maps.DeleteFunc(d.days, func(_ int64, e *dayEdition) bool { return e.Registry == old })
		}
		d.editions = append(d.editions, e.Registry)
	}
	return e
}

// editionOf gives the newest edition that is not later than a day: newest, or one of
// the history. If none is known, it gives the first one.
func editionOf(at time.Time, newest *iana.Registry) (reg *iana.Registry, later bool) {
	if date := newest.Edition().Date; date != "" && date <= at.Format(time.DateOnly) {
		return newest, false
	}
	if reg, err := iana.AsOf(at); err == nil {
		return reg, false
	}
	first, err := time.Parse(time.DateOnly, iana.FirstKnown())
	if err == nil {
		reg, err = iana.AsOf(first)
	}
	if err != nil {
		panic("annotate: " + err.Error()) // the first known edition is known
	}
	return reg, true
}

// Undated reports what was not known of the days of flows, with ByDay: whether some
// flows were older than the first known edition, and whether some had no time.
func (a *Annotator) Undated() (early, noTime bool) {
	if a.days == nil {
		return false, false
	}
	return a.days.early.Load(), a.days.noDay.Load()
}

// LaterRegistration returns what the newest edition has the service port registered
// for, if it was not assigned on the day for which the registry was asked. ok is false
// if it was, if it still is not, and if the registry was not asked for a day.
func (a *Annotation) LaterRegistration() (e iana.Entry, ok bool) {
	now := a.ServiceEntry()
	if a.AsOf == nil || now == nil || now.Status == iana.Assigned {
		return iana.Entry{}, false
	}
	a.AsOf.newest.LookupTo(&e, now.Transport, now.Port)
	return e, e.Status == iana.Assigned
}

// Since says since when a port has been registered as an entry says: the date of the
// record, or, where the history of the registry knows better, the date of the first
// edition with it; published is true then.
func Since(e *iana.Entry) (date string, published bool) {
	if from := iana.RegisteredFrom(*e); from == "" || from != firstDay(e.Registered()) {
		if _, by, ok := iana.RegisteredBetween(*e); ok {
			return by, true
		}
	}
	return e.Registered(), false
}

// SinceWords says the same in words: "registered 2013-11-12", or "in the registry since
// 2026-02-02".
func SinceWords(e *iana.Entry) string {
	date, published := Since(e)
	if published {
		return "in the registry since " + date
	}
	return "registered " + date
}

// PublishedWords says since when the registry has had a registration: the date of the
// first edition with it, or, if that is not known, what SinceWords says.
func PublishedWords(e *iana.Entry) string {
	if _, by, ok := iana.RegisteredBetween(*e); ok {
		return "in the registry since " + by
	}
	return SinceWords(e)
}

// DatedAfter reports whether the date of an entry's record is later than a time, in
// nanoseconds since the Unix epoch. Then the record's date is all that need be told of
// a registration after that time.
func DatedAfter(e *iana.Entry, at int64) bool {
	day := dayOf(firstDay(e.Registered()))
	return day != noDay && int64(day)*86400e9 > at
}

// firstDay gives the first day of a date, which may be a month.
func firstDay(date string) string {
	if len(date) == len("2005-12") {
		return date + "-01"
	}
	return date
}

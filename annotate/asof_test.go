package annotate

import (
	"fmt"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

func at(t testing.TB, day string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Each flow has the registry of its own day; a flow without a time has the newest.
func TestByDay(t *testing.T) {
	an := New(Options{ByDay: true})
	for _, c := range []struct {
		day, edition, status, later string
		early                       bool
	}{
		{"2016-07-01", "2016-06-28", "unassigned", "ollama", false},
		{"2026-02-01", "2026-01-23", "unassigned", "ollama", false},
		{"2026-02-02", "2026-02-02", "assigned", "", false},
		{"2026-08-17", "2026-08-17", "assigned", "", false},
		{"2030-01-01", "2026-08-17", "assigned", "", false},
		{"2015-05-04", "2015-05-04", "unassigned", "ollama", false},
		{"2015-05-03", "2015-05-04", "unassigned", "ollama", true},
		{"1969-12-31", "2015-05-04", "unassigned", "ollama", true},
		{"2016-07-01", "2016-06-28", "unassigned", "ollama", false},
	} {
		in := Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:11434"), Start: at(t, c.day).Add(23 * time.Hour).UnixNano()}
		a := an.Annotate(in)
		later, _ := a.LaterRegistration()
		got := fmt.Sprint(a.Registry.Edition().Date, a.Destination.Edition().Date, a.AsOf.Day, a.Destination.Status, later.Name(), a.AsOf.Later, a.RegisteredLater)
		want := fmt.Sprint(c.edition, c.edition, c.day, c.status, c.later, c.early, false)
		if got != want {
			t.Errorf("%s: %s, want %s", c.day, got, want)
		}
	}
	if early, noTime := an.Undated(); !early || noTime {
		t.Errorf("undated: %v %v", early, noTime)
	}
	a := an.Annotate(Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:11434")})
	if a.AsOf != nil || a.Registry != iana.Embedded() {
		t.Errorf("no time: %+v", a.AsOf)
	}
	if _, noTime := an.Undated(); !noTime {
		t.Error("a flow without a time was not noticed")
	}
}

// Of days without an edition, each record's own date is known.
func TestByDayBeforeTheFirstEdition(t *testing.T) {
	in := Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:4604"), Start: at(t, "1995-01-01").UnixNano()}
	a := New(Options{ByDay: true}).Annotate(in)
	e, _ := a.Registered()
	if e.Name() != "irp" || e.Registered() < "1995-01-01" || !a.RegisteredLater {
		t.Errorf("%s, registered %q: later %v", e.Name(), e.Registered(), a.RegisteredLater)
	}
}

func TestAsOfADay(t *testing.T) {
	an := New(Options{AsOf: at(t, "2018-01-01")})
	if got := an.Registry().Edition().Date; got != "2017-12-29" {
		t.Errorf("edition %s", got)
	}
	in := Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:11434"), Start: at(t, "2026-03-01").UnixNano()}
	a := an.Annotate(in)
	if later, ok := a.LaterRegistration(); !ok || later.Name() != "ollama" || a.AsOf.Day != "2018-01-01" || a.AsOf.Later {
		t.Errorf("%+v, later %v", a.AsOf, later)
	}
	// What was registered by then may be younger than traffic of an earlier day.
	in.Destination, in.Start = ap("10.0.0.2:7687"), at(t, "2016-01-01").UnixNano()
	if a := an.Annotate(in); !a.RegisteredLater || a.Destination.Name() != "bolt" {
		t.Errorf("bolt in 2016: %+v", a.RegisteredLater)
	}
	// The newest edition is used from its day on.
	if reg := New(Options{AsOf: at(t, "2026-08-17")}).Registry(); reg != iana.Embedded() {
		t.Errorf("as of the day of the embedded edition: %s", reg.Edition().Date)
	}
}

// However many days are asked for, the editions that are kept have a bound, and the
// answers are the same.
func TestEditionsAreBounded(t *testing.T) {
	d := &dayEditions{newest: iana.Embedded()}
	dates := iana.KnownEditions()
	for i := 0; i < len(dates); i += 4 {
		day := at(t, dates[i])
		if a := d.of(day.UnixNano()); a.Registry.Edition().Date != dates[i] || a.Day != dates[i] {
			t.Errorf("%s: edition %s", dates[i], a.Registry.Edition().Date)
		}
		if len(d.editions) > maxEditions || len(d.days) > maxEditions {
			t.Fatalf("%d editions of %d days are kept", len(d.editions), len(d.days))
		}
	}
	if a := d.of(at(t, dates[0]).UnixNano()); a.Registry.Edition().Date != dates[0] {
		t.Errorf("edition %s", a.Registry.Edition().Date)
	}
	for i := range int64(maxDays + 10) {
		d.of((30000 + i) * 86400e9)
	}
	if len(d.days) > maxDays {
		t.Errorf("%d days are kept", len(d.days))
	}
}

func TestByDayDoesNotAllocate(t *testing.T) {
	an := New(Options{ByDay: true})
	in := Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:443"), Start: at(t, "2016-07-01").UnixNano()}
	var a Annotation
	an.AnnotateTo(&a, &in)
	if n := testing.AllocsPerRun(100, func() { an.AnnotateTo(&a, &in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

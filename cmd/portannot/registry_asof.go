package main

import (
	"context"
	"errors"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// asOfFlag asks for the registry of a day.
func asOfFlag(p *string) cli.Flag {
	return cli.NonEmpty(p, "as-of", "", "DATE",
		"answer from the edition of a day, 2018-01-31: the newest known one that is not later. Editions since "+firstKnown+" are known")
}

// ofTraffic is the word for the day of each flow, where a day is asked for.
const ofTraffic = "capture"

// trafficAsOfFlag asks for the registry of a day, or of the days of the traffic.
func trafficAsOfFlag(p *string) cli.Flag {
	return cli.NonEmpty(p, "as-of", "", "DATE",
		"answer from the edition of a day, 2018-01-31, or \"capture\", of each flow's own day; editions since "+firstKnown+" are known, and of earlier days only the date of each record").
		Named(ofTraffic)
}

// firstKnown is iana.FirstKnown, which reads the history: help must not.
const firstKnown = "2015-05-04"

// noHistoryHint says what is known of days before the first known edition.
const noHistoryHint = "of earlier days only the date of each registration is known: portannot lookup --explain shows it"

// day reads a date as the editions have it. ok is false for all other text.
func day(text string) (t time.Time, ok bool) {
	t, err := time.Parse(time.DateOnly, text)
	return t, err == nil
}

// chooseRegistryAsOf gives the registry that --registry and --as-of name.
func chooseRegistryAsOf(ctx context.Context, name, asOf string) (chosen, error) {
	if asOf == "" {
		return chooseRegistry(ctx, name)
	}
	t, err := knownDay(name, asOf)
	if err != nil {
		return chosen{}, err
	}
	if name == "" {
		// The edition that `registry update` installed may be the newest one.
		if c, err := updatedRegistry(); err == nil && c.Registry != nil && c.Edition().Date <= asOf {
			return c, nil
		}
	}
	reg, err := iana.AsOf(t)
	return chosen{Registry: reg}, err
}

// knownDay reads the day of --as-of, of which an edition must be known.
func knownDay(registry, asOf string) (time.Time, error) {
	t, ok := day(asOf)
	if !ok {
		return t, usagef("a date is 2018-01-31", "--as-of %q: not a date", asOf)
	}
	if err := noHistoryOf(registry); err != nil {
		return t, err
	}
	_, err := iana.AsOf(t)
	if errors.Is(err, iana.ErrNoHistory) {
		err = withHint(err, noHistoryHint)
	}
	return t, err
}

// mentionUndated says which flows could not have the registry of their day.
func (e *env) mentionUndated(an *annotate.Annotator) {
	early, noTime := an.Undated()
	if early {
		e.warnf("flows from before %s have the answers of that edition, the first one known: of earlier days, only the date of each record is", firstKnown)
	}
	if noTime {
		e.warnf("flows without a time have the answers of edition %s", an.Registry().Edition().Date)
	}
}

// noHistoryOf refuses the history of a registry file.
func noHistoryOf(registry string) error {
	if registry == "" || registry == embeddedWord {
		return nil
	}
	return usagef("without --registry, --as-of asks all known editions", "--as-of: a registry file is one edition, and its history is not known")
}

// staleAfter is the age at which an edition is mentioned: IANA publishes one in six
// days.
const staleAfter = 180 // days

// now is the time; tests have their own.
var now = time.Now

// mentionAge says once that the edition in use is old, unless the user has named it.
func (e *env) mentionAge(name string, c chosen) {
	if name != "" || e.aged {
		return
	}
	date, ok := day(c.Edition().Date)
	if days := int(now().Sub(date) / (24 * time.Hour)); ok && days > staleAfter {
		e.aged = true
		e.warnf("the registry edition %s is %d days old: `portannot registry update` fetches the newest", c.Edition().Date, days)
	}
}

// openEdition gives what `registry diff` is told to compare: a day, a file, or
// the word embedded.
func openEdition(ctx context.Context, name string) (*iana.Registry, error) {
	if _, ok := day(name); ok {
		c, err := chooseRegistryAsOf(ctx, "", name)
		return c.Registry, err
	}
	return openRegistry(ctx, name)
}

package main

import (
	"context"
	"errors"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// asOfFlag asks for the registry of a day.
func asOfFlag(p *string) cli.Flag {
	return cli.String(p, "as-of", "", "DATE", "",
		"answer from the edition of a day, 2018-01-31: the newest known one that is not later. Editions since "+firstKnown+" are known")
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
	t, ok := day(asOf)
	switch {
	case !ok:
		return chosen{}, usagef("a date is 2018-01-31", "--as-of %q: not a date", asOf)
	case name != "" && name != embeddedWord:
		return chosen{}, usagef("without --registry, --as-of asks all known editions", "--as-of: a registry file is one edition, and its history is not known")
	case name == "":
		// The edition that `registry update` installed may be the newest one.
		if c, err := updatedRegistry(); err == nil && c.Registry != nil && c.Edition().Date <= asOf {
			return c, nil
		}
	}
	reg, err := iana.AsOf(t)
	if errors.Is(err, iana.ErrNoHistory) {
		err = withHint(err, noHistoryHint)
	}
	return chosen{Registry: reg}, err
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

package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// fieldsFlag chooses fields.
func fieldsFlag(p *[]string) cli.Flag {
	return cli.List(p, "fields", "", "LIST",
		"only these fields, in this order: source.ip,portannot.registered.name; NAME.* is all below a name; portannot help fields lists them").Named(allFields()...)
}

// allFields are the names that --fields takes somewhere.
func allFields() []string {
	names := record.Choosable(true)
	for _, n := range record.Choosable(false) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// chooseFields gives what writes the fields of --fields.
func chooseFields(names []string, output string, captures bool) (*record.Chosen, record.Form, error) {
	form, _ := record.ParseForm(output)
	c, err := record.Choose(names, form, captures)
	var unknown *record.UnknownFieldError
	switch {
	case !errors.As(err, &unknown):
		return c, form, err
	case slices.Contains(allFields(), unknown.Name) && captures:
		return nil, form, usagef("", "--fields: %s is a field of logs", unknown.Name)
	case slices.Contains(allFields(), unknown.Name):
		return nil, form, usagef("", "--fields: %s is a field of captures", unknown.Name)
	}
	hint := cli.DidYouMean("", unknown.Name, unknown.Known)
	if slices.ContainsFunc(unknown.Known, func(k string) bool { return strings.HasPrefix(k, unknown.Name+".") }) {
		hint = "did you mean " + unknown.Name + ".*?"
	}
	if near := lastWords(unknown.Known, unknown.Name); hint == "" && len(near) > 0 {
		hint = "did you mean " + cli.Or(near[:min(len(near), 5)]...) + "?"
	}
	if hint == "" {
		hint = "portannot help fields lists them"
	}
	return nil, form, usagef(hint, "--fields: no field is named %q", unknown.Name)
}

// lastWords gives the fields whose last word is near to a name: for "port" those
// that end in .port.
func lastWords(known []string, name string) []string {
	var same, near []string
	for _, k := range known {
		switch last := k[strings.LastIndexByte(k, '.')+1:]; {
		case last == name:
			same = append(same, k)
		case len(cli.Near(name, []string{last})) > 0:
			near = append(near, k)
		}
	}
	if len(same) > 0 {
		return same
	}
	return near
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/filter"
)

// takeWords tells what the words after the flags are, and gives the captures.
// After -r or -i they are captures if all of them exist, and else a filter if
// they compile, as in tcpdump.
func (o *flowOptions) takeWords(ctx context.Context, e *env, words []string) (files []string, err error) {
	files = append(files, o.read...)
	if len(words) == 0 {
		return files, nil
	}
	var missing, found []string
	for _, w := range words {
		if list, _, err := capture.Expand([]string{w}, o.recursive); w == "-" || !errors.Is(err, fs.ErrNotExist) && (err != nil || len(list) > 0) {
			found = append(found, w)
		} else {
			missing = append(missing, w)
		}
	}
	live := len(o.live.interfaces) > 0
	if len(o.read) == 0 && !live || len(missing) == 0 {
		return append(files, words...), nil
	}
	expr := strings.Join(words, " ")
	names, err := o.annotating(ctx, e)
	if err != nil {
		return nil, err
	}
	_, notFilter := newFilter(expr, annotate.New(names).Registry())
	switch {
	case len(found) > 0:
		return nil, usagef("a filter can be given as -f 'EXPR', captures with -r",
			"%q: captures and words of a filter: %s is a file, %s is none", expr, found[0], missing[0])
	case notFilter == nil && o.filter != "":
		return nil, usagef("join them with and: -f '("+o.filter+") and ("+expr+")'", "two filters: -f, and %q", expr)
	case notFilter == nil:
		o.filter = expr
		return files, nil
	case len(words) == 1 && !live:
		return append(files, words...), nil // a capture that is not there, by the look of it
	}
	var usage *usageError
	if errors.As(notFilter, &usage) {
		usage.Msg = fmt.Sprintf("%q: no such files, and no filter: %s", expr, strings.TrimPrefix(usage.Msg, "-f: "))
	}
	return nil, notFilter
}

// newFilter compiles the expression of -f, in which ports may have the names
// that the registry gives them.
func newFilter(expr string, registry *iana.Registry) (*filter.Set, error) {
	services := func(name string) (list []filter.Service) {
		for _, e := range registry.ByName(name) {
			switch e.Transport {
			case iana.TCP:
				list = append(list, filter.Service{Transport: 6, Port: e.Port})
			case iana.UDP:
				list = append(list, filter.Service{Transport: 17, Port: e.Port})
			case iana.SCTP:
				list = append(list, filter.Service{Transport: 132, Port: e.Port})
			}
		}
		return list
	}
	set, err := filter.NewSet(expr, filter.Options{Services: services})
	var syntax *filter.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, &usageError{Msg: fmt.Sprintf("-f: %v", err), Below: strings.Split(syntax.Caret(), "\n")}
	case err != nil:
		return nil, usagef("", "-f: %v", err)
	}
	return set, nil
}

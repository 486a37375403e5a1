package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/filter"
)

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

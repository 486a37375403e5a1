package portcache

import (
	"slices"

	"github.com/portannot/portannot/annotate/iana"
)

// Editions keeps a T, such as a Cache, for each of the registries that were used last.
// The flows of most runs have one registry; those of several days may have several. It
// is for one goroutine.
type Editions[T any] struct {
	New func(*iana.Registry) *T

	registry *iana.Registry // that of the last call
	of       *T
	rest     []edition[T] // the others, the one used last at the end
}

type edition[T any] struct {
	registry *iana.Registry
	of       *T
}

// maxEditions bounds the registries, for a Cache may take a megabyte.
const maxEditions = 16

// Of gives the T of a registry, which may be nil.
func (e *Editions[T]) Of(registry *iana.Registry) *T {
	if e.registry == registry && e.of != nil {
		return e.of
	}
	return e.change(registry)
}

func (e *Editions[T]) change(registry *iana.Registry) *T {
	var of *T
	if n := slices.IndexFunc(e.rest, func(x edition[T]) bool { return x.registry == registry }); n >= 0 {
		of = e.rest[n].of
		e.rest = slices.Delete(e.rest, n, n+1)
	} else {
		of = e.New(registry)
	}
	if e.of != nil {
		if len(e.rest) == maxEditions-1 {
			e.rest = slices.Delete(e.rest, 0, 1)
		}
		e.rest = append(e.rest, edition[T]{e.registry, e.of})
	}
	e.registry, e.of = registry, of
	return of
}

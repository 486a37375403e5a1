package main

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
)

// noteworthy are the services of a run, and those among them that a person looks
// for first. It is exact: there are only so many ports.
type noteworthy struct {
	seen        [iana.DCCP + 1][1 << 16 / 64]uint64 // a bit for each port, by transport
	unexpected  map[service]uint64                  // flows, by service
	neither     uint64                              // flows with no side known, and neither port assigned
	contradicts map[contradiction]uint64            // flows
}

type service struct {
	transport iana.Transport
	port      uint16
}

// contradiction is a service whose payload is of another protocol than the
// registered one.
type contradiction struct {
	service
	observed observe.Protocol
}

func newNoteworthy() *noteworthy {
	return &noteworthy{unexpected: map[service]uint64{}, contradicts: map[contradiction]uint64{}}
}

// add counts a flow; e is its service port, or nil if that is not known.
func (n *noteworthy) add(e *iana.Entry, a *annotate.Annotation) {
	if e == nil {
		if a.Unexpected() {
			n.neither++
		}
		return
	}
	n.seen[e.Transport][e.Port/64] |= 1 << (e.Port % 64)
	if annotate.Unexpected(e) {
		n.unexpected[service{e.Transport, e.Port}]++
	}
	if a.Observed.Verdict == observe.Contradicts {
		n.contradicts[contradiction{service{e.Transport, e.Port}, a.Observed.Protocol}]++
	}
}

func (n *noteworthy) merge(o *noteworthy) {
	for t := range n.seen {
		for i := range n.seen[t] {
			n.seen[t][i] |= o.seen[t][i]
		}
	}
	n.neither += o.neither
	for s, flows := range o.unexpected {
		n.unexpected[s] += flows
	}
	for c, flows := range o.contradicts {
		n.contradicts[c] += flows
	}
}

// byStatus counts services by status.
func (n *noteworthy) byStatus(reg *iana.Registry) (all int, counts [iana.NumStatuses]int) {
	for t := range n.seen {
		for i, word := range n.seen[t] {
			for ; word != 0; word &= word - 1 {
				counts[reg.Lookup(iana.Transport(t), uint16(i*64+bits.TrailingZeros64(word))).Status]++
				all++
			}
		}
	}
	return all, counts
}

// maxNoteworthy is how many of a kind are named.
const maxNoteworthy = 10

// say says what a person looks for first: how many services there are of each
// status, the unexpected ones, and those whose payload is something else.
func (n *noteworthy) say(e *env, reg *iana.Registry) {
	all, counts := n.byStatus(reg)
	var parts []string
	for _, s := range []iana.Status{iana.Assigned, iana.Reserved, iana.Unassigned, iana.Dynamic, iana.Unknown} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %v", counts[s], s))
		}
	}
	if all > 0 {
		e.warnf("%s: %s", plural(uint64(all), "service"), strings.Join(parts, ", "))
	}
	unexpected := most(n.unexpected, func(a, b service) int { return a.compare(b) }, func(s service) string {
		return fmt.Sprintf("%d/%v %v", s.port, s.transport, reg.Lookup(s.transport, s.port).Status)
	})
	if n.neither > 0 { // always named: no port stands for these flows
		unexpected = slices.Insert(unexpected, rank(unexpected, n.neither), share{"neither port assigned", n.neither})
	}
	if len(unexpected) > 0 {
		e.warnList("unexpected (flows): ", "--unexpected shows them", unexpected)
	}
	if len(n.contradicts) > 0 {
		e.warnList("contradicting (flows): ", "--verdict contradicts shows them", most(n.contradicts, func(a, b contradiction) int {
			return cmp.Or(a.compare(b.service), cmp.Compare(a.observed, b.observed))
		}, func(c contradiction) string {
			return fmt.Sprintf("%d/%v %s looks like %v", c.port, c.transport, reg.Lookup(c.transport, c.port).Name(), c.observed)
		}))
	}
}

func (s service) compare(o service) int {
	return cmp.Or(cmp.Compare(s.port, o.port), cmp.Compare(s.transport, o.transport))
}

// share is something with its flows.
type share struct {
	name  string
	flows uint64
}

// rank is where something with so many flows stands in a list of most.
func rank(list []share, flows uint64) int {
	for i, item := range list {
		if item.flows < flows || i == maxNoteworthy {
			return i
		}
	}
	return len(list)
}

// most names those with the most flows, and counts the others together at the end.
func most[K comparable](flows map[K]uint64, compare func(a, b K) int, name func(K) string) []share {
	keys := slices.SortedFunc(maps.Keys(flows), func(a, b K) int {
		return cmp.Or(cmp.Compare(flows[b], flows[a]), compare(a, b))
	})
	shown := min(len(keys), maxNoteworthy)
	var list []share
	for _, k := range keys[:shown] {
		list = append(list, share{name(k), flows[k]})
	}
	if more := keys[shown:]; len(more) > 0 {
		rest := share{name: fmt.Sprintf("%d more", len(more))}
		for _, k := range more {
			rest.flows += flows[k]
		}
		list = append(list, rest)
	}
	return list
}

// warnList writes a list to standard error, on lines of at most 80 columns, and how
// to see what it names.
func (e *env) warnList(head, how string, list []share) {
	const width = 80 - len("portannot: ")
	line, indent := head, strings.Repeat(" ", len(head))
	for i, n := range list {
		item := fmt.Sprintf("%s (%d)", n.name, n.flows)
		if i < len(list)-1 {
			item += ","
		} else {
			item += ";"
		}
		if len(line)+len(item) > width && line != head {
			e.warnf("%s", strings.TrimRight(line, " "))
			line = indent
		}
		line += item + " "
	}
	if len(line)+len(how) > width {
		e.warnf("%s", strings.TrimRight(line, " "))
		line = indent
	}
	e.warnf("%s", line+how)
}

package summary

import (
	"cmp"
	"slices"
	"strings"
)

// Order is an order of groups, by a column. The zero value is that by flows.
type Order struct {
	column string
	key    int // of Table.Keys, if it is a key's column
	back   bool
}

// columns give the numbers that groups are ordered by, the greatest first.
var columns = map[string]func(*Group) int64{
	"flows":   func(g *Group) int64 { return int64(g.Flows) },
	"packets": func(g *Group) int64 { return int64(g.Packets) },
	"bytes":   func(g *Group) int64 { return int64(g.Bytes) },
	"clients": func(g *Group) int64 { return int64(g.Clients()) },
	"servers": func(g *Group) int64 { return int64(g.Servers()) },
	"start":   func(g *Group) int64 { return -g.First },
	"end":     func(g *Group) int64 { return g.Last },
}

// Columns returns the names of the columns that groups by these keys can be
// ordered by: those of the keys, and those of the counts.
func Columns(keys []Key) []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.String())
	}
	return append(names, "flows", "packets", "bytes", "clients", "servers", "start", "end")
}

// ParseOrder reads the name of a column of a table with these keys. Counts and
// the end come with the greatest first; the start with the earliest, and keys
// with the smallest. A minus before the name turns that round.
func ParseOrder(s string, keys []Key) (Order, bool) {
	name, back := strings.CutPrefix(s, "-")
	o := Order{column: name, back: back}
	if _, ok := columns[name]; ok {
		return o, true
	}
	o.key = slices.IndexFunc(keys, func(k Key) bool { return k.String() == name })
	return o, o.key >= 0
}

func (o *Order) compare(a, b *Group) (n int) {
	switch of, ok := columns[o.column]; {
	case ok:
		n = cmp.Compare(of(b), of(a))
	case o.column == "":
		n = cmp.Compare(b.Flows, a.Flows)
	default:
		ka, kb := &a.sortKeys[o.key], &b.sortKeys[o.key]
		if n = compareKeys(ka, kb); ka.unknown != kb.unknown {
			return n // what is not known is last in any case
		}
	}
	if o.back {
		n = -n
	}
	return n
}

func compareKeys(a, b *sortKey) int {
	switch {
	case a.unknown && !b.unknown:
		return 1
	case b.unknown && !a.unknown:
		return -1
	}
	return cmp.Or(cmp.Compare(a.number, b.number), a.addr.Compare(b.addr), cmp.Compare(a.text, b.text))
}

// Top returns the first n groups in an order, or all if n is 0, and how many
// groups there are. Equal groups are in the order of their keys.
func (t *Table) Top(n int, o Order) (top []*Group, all int) {
	for _, g := range t.groups {
		top = append(top, g)
	}
	slices.SortFunc(top, func(a, b *Group) int {
		if n := o.compare(a, b); n != 0 {
			return n
		}
		for i := range a.sortKeys {
			if n := compareKeys(&a.sortKeys[i], &b.sortKeys[i]); n != 0 {
				return n
			}
		}
		return 0
	})
	all = len(top)
	if n > 0 && n < all {
		top = top[:n]
	}
	return top, all
}

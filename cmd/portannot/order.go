package main

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// sortNumbers are numbers that --sort orders by, the greatest first.
var sortNumbers = map[string]func(*flow.Flow) int64{
	"start":    func(f *flow.Flow) int64 { return -f.Start() }, // the earliest first
	"end":      func(f *flow.Flow) int64 { return f.Last() },
	"duration": func(f *flow.Flow) int64 { return f.Last() - f.Start() },
	"packets":  func(f *flow.Flow) int64 { return int64(f.Packets()) },
	"bytes":    func(f *flow.Flow) int64 { return int64(f.IPBytes()) },
}

// sortColumns are the other columns of text, by the fields that they show.
var sortColumns = map[string][]string{
	"service":     {"portannot.service.port", "network.transport"},
	"status":      {"portannot.registered.status"},
	"name":        {"portannot.registered.name"},
	"source":      {"source.ip", "source.port"},
	"destination": {"destination.ip", "destination.port"},
	"client":      {"client.ip", "client.port"},
	"server":      {"server.ip", "server.port"},
	"transport":   {"network.transport"},
	"state":       {"portannot.state"},
	"side":        {"portannot.service.side"},
	"reason":      {"portannot.service.reason"},
	"observed":    {"portannot.observed.protocol"},
	"verdict":     {"portannot.observed.verdict"},
}

// sortNames are the columns that --sort takes. It takes fields of the record too.
func sortNames() []string {
	names := map[string]bool{}
	for name := range sortNumbers {
		names[name] = true
	}
	for name := range sortColumns {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// flowOrder is what --sort orders flows by: a number, or fields.
type flowOrder struct {
	number func(*flow.Flow) int64 // the greatest first; nil: by fields
	fields []*record.Chosen       // one each
	types  []record.Type
	back   bool
}

// parseFlowOrder gives the order that --sort asks for; nil for that of first packets.
func parseFlowOrder(sort string) (*flowOrder, error) {
	name, back := strings.CutPrefix(strings.ToLower(sort), "-")
	if name == "" || name == "start" && !back {
		return nil, nil
	}
	o := &flowOrder{back: back, number: sortNumbers[name]}
	if o.number != nil {
		return o, nil
	}
	fields, ok := sortColumns[name]
	if !ok {
		fields = []string{name}
	}
	for _, field := range fields {
		chosen, err := record.Choose([]string{field}, record.CSVForm, true)
		var unknown *record.UnknownFieldError
		if errors.As(err, &unknown) || strings.HasSuffix(field, "*") {
			return nil, unknownColumn(sort, sortNames())
		}
		if err != nil {
			return nil, err
		}
		info, _ := record.Lookup(field)
		o.fields, o.types = append(o.fields, chosen), append(o.types, info.Type)
	}
	return o, nil
}

// sortKey is what flows are ordered by. Counts come with the greatest first, all
// else ascending, and what is absent last.
type sortKey struct{ parts [2]sortPart }

type sortPart struct {
	absent bool
	number int64
	addr   netip.Addr
	text   string
}

func (a *sortPart) compare(b *sortPart) int {
	return cmp.Or(cmp.Compare(a.number, b.number), a.addr.Compare(b.addr), cmp.Compare(a.text, b.text))
}

// sort orders results. annotate gives the annotation of a flow.
func (o *flowOrder) sort(res *flow.Results, annotate func(*flow.Flow) *annotate.Annotation) {
	turn := 1
	if o.back {
		turn = -1
	}
	if o.number != nil {
		flow.SortResults(res, o.number, func(a, b int64) int { return turn * cmp.Compare(b, a) })
		return
	}
	var buf []byte
	texts := map[string]string{} // which many flows share
	flow.SortResults(res, func(f *flow.Flow) (k sortKey) {
		a := annotate(f)
		for i, field := range o.fields {
			buf = field.AppendFlow(buf[:0], f, a)
			k.parts[i] = sortPartOf(bytes.Trim(buf, "\"\n"), o.types[i], texts)
		}
		return k
	}, func(a, b sortKey) int {
		for i := range a.parts {
			x, y := &a.parts[i], &b.parts[i]
			switch {
			case x.absent != y.absent && x.absent:
				return 1
			case x.absent != y.absent:
				return -1
			}
			if n := x.compare(y); n != 0 {
				return turn * n
			}
		}
		return 0
	})
}

// sortPartOf gives the value of a field.
func sortPartOf(value []byte, kind record.Type, texts map[string]string) (p sortPart) {
	if len(value) == 0 {
		return sortPart{absent: true}
	}
	if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		if p.number = n; kind == record.Count {
			p.number = -n // the greatest first
		}
		return p
	}
	if addr, err := netip.ParseAddr(string(value)); err == nil {
		p.addr = addr
		return p
	}
	text, ok := texts[string(value)]
	if !ok {
		text = strings.Clone(string(value))
		texts[text] = text
	}
	p.text = text
	return p
}

// annotating gives a function that annotates a flow, for one goroutine. What it gives
// is valid until the next call.
func (j *job) annotating() func(*flow.Flow) *annotate.Annotation {
	l := newLane(j, nil)
	return func(f *flow.Flow) *annotate.Annotation {
		j.annotator.FlowTo(&l.annotation, f, l.observer)
		return &l.annotation
	}
}

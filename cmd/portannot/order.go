package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"math"
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
	fields []*sortField           // one or two
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
		o.fields = append(o.fields, &sortField{chosen, field, info.Type})
	}
	return o, nil
}

// sortKey is what flows are ordered by. There may be millions, so it is small: texts
// are numbered.
type sortKey struct {
	first  [2]uint64
	second uint32
	absent bool // there is no first value
}

// sort orders results. annotate gives the annotation of a flow. Counts come with the
// greatest first, all else ascending, and what is absent last.
func (o *flowOrder) sort(res *flow.Results, annotate func(*flow.Flow) *annotate.Annotation) {
	turn := 1
	if o.back {
		turn = -1
	}
	if o.number != nil {
		flow.SortResults(res, o.number, func(a, b int64) int { return turn * cmp.Compare(b, a) })
		return
	}
	var values sortValues
	flow.SortResults(res, func(f *flow.Flow) (k sortKey) {
		a := annotate(f)
		var ok bool
		if k.first, ok = values.of(o.fields[0], f, a); !ok {
			k.absent = true
		} else if len(o.fields) > 1 {
			second, _ := values.of(o.fields[1], f, a) // a port or the name of a transport
			k.second = uint32(second[0])
		}
		return k
	}, func(a, b sortKey) int {
		switch {
		case a.absent && b.absent:
			return 0
		case a.absent:
			return 1
		case b.absent:
			return -1
		}
		n := values.compare(o.fields[0], a.first, b.first)
		if n == 0 && len(o.fields) > 1 {
			n = values.compare(o.fields[1], [2]uint64{uint64(a.second)}, [2]uint64{uint64(b.second)})
		}
		return turn * n
	})
}

// sortField is a field of the record that is ordered by.
type sortField struct {
	chosen *record.Chosen // it alone
	name   string
	kind   record.Type
}

// isText reports whether values of the field are compared as text.
func (s *sortField) isText() bool {
	switch s.kind {
	case record.Port, record.Count, record.Fraction:
		return false
	}
	return !strings.HasSuffix(s.name, ".ip")
}

// sortValues makes numbers of the values of fields.
type sortValues struct {
	buf    []byte
	texts  []string
	places map[string]uint64 // in texts
}

// of gives the value of a field; ok is false where there is none.
func (s *sortValues) of(field *sortField, f *flow.Flow, a *annotate.Annotation) (v [2]uint64, ok bool) {
	s.buf = field.chosen.AppendFlow(s.buf[:0], f, a)
	text := bytes.Trim(s.buf, "\"\n")
	if len(text) == 0 {
		return v, false
	}
	switch {
	case field.isText():
		place, known := s.places[string(text)]
		if !known {
			if s.places == nil {
				s.places = map[string]uint64{}
			}
			place = uint64(len(s.texts))
			s.texts = append(s.texts, string(text))
			s.places[s.texts[place]] = place
		}
		v[0] = place
	case field.kind == record.Fraction:
		n, _ := strconv.ParseFloat(string(text), 64)
		v[0] = math.Float64bits(n) // which are in the order of what is not negative
	case field.kind == record.Port || field.kind == record.Count:
		v[0], _ = strconv.ParseUint(string(text), 10, 64)
	default:
		addr, _ := netip.ParseAddr(string(text))
		if addr.Is4() { // before all of IPv6
			b := addr.As4()
			v[1] = uint64(binary.BigEndian.Uint32(b[:]))
			break
		}
		b := addr.As16()
		v[0], v[1] = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	}
	return v, true
}

func (s *sortValues) compare(field *sortField, a, b [2]uint64) int {
	switch {
	case a == b:
		return 0
	case field.isText():
		return cmp.Compare(s.texts[a[0]], s.texts[b[0]])
	case field.kind == record.Count:
		return cmp.Compare(b[0], a[0])
	}
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
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

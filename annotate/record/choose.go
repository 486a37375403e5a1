package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

// Form is how chosen fields are written.
type Form uint8

// The forms.
const (
	TextForm Form = iota // aligned columns, "-" for a field that is absent
	CSVForm              // CSV with a header, an empty cell for a field that is absent
	JSONForm             // JSON Lines, nested as in the whole record
)

// ParseForm reads "text", "csv" or "json".
func ParseForm(s string) (Form, bool) {
	i := slices.Index([]string{"text", "csv", "json"}, s)
	return Form(max(i, 0)), i >= 0
}

// Chosen writes records with some of the fields, in an order of the user's. What
// is not chosen is not computed. A Chosen must not be used by several goroutines at
// once.
type Chosen struct {
	names  []string
	widths []int // of the columns of text
	form   Form
	values []value // by names
	tree   *branch // of JSON
	w      cellWriter

	in   annotate.Input // of the flow that is written; here, for it would be allocated each time
	from from
}

// branch is a member of a JSON object: an object with members of its own, or a
// chosen field.
type branch struct {
	key     string // with quotes and colon
	field   int    // valid if there are no members
	members []*branch
}

// UnknownFieldError says that a name is none of the fields that can be chosen.
type UnknownFieldError struct {
	Name  string
	Known []string
}

func (e *UnknownFieldError) Error() string { return fmt.Sprintf("unknown field %q", e.Name) }

// Choosable returns the names of the fields that can be chosen in captures, or else
// in logs. The fields of client and server, and those of the registrations of both
// ends, stand there one by one.
func Choosable(captures bool) []string {
	in := LogJSON | LogCSV
	if captures {
		in = flowBoth
	}
	var names []string
	for i := range fields {
		f := &fields[i]
		switch whole, all := strings.CutSuffix(f.Name, "*"); {
		case f.In&in == 0:
		case !all:
			names = append(names, f.Name)
		case whole == "client." || whole == "server.":
			for _, part := range endParts {
				names = append(names, whole+part)
			}
		default:
			for _, part := range registeredParts {
				if name := whole + part; !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// Choose returns a Chosen for fields that [Choosable] lists. A name that ends in
// ".*" stands for all of them that begin so.
func Choose(names []string, form Form, captures bool) (*Chosen, error) {
	known := Choosable(captures)
	c := &Chosen{form: form}
	for _, name := range names {
		found := false
		prefix, all := strings.CutSuffix(name, "*")
		for _, k := range known {
			if k == name || all && strings.HasSuffix(prefix, ".") && strings.HasPrefix(k, prefix) {
				found = true
				if !slices.Contains(c.names, k) {
					c.names = append(c.names, k)
				}
			}
		}
		if !found {
			return nil, &UnknownFieldError{name, known}
		}
	}
	c.w.form = form
	c.tree = &branch{}
	for i, name := range c.names {
		c.values = append(c.values, valueOf(name))
		c.widths = append(c.widths, max(len(name), widthOf(name)))
		c.tree.add(strings.Split(name, "."), i)
	}
	return c, nil
}

func (b *branch) add(path []string, field int) {
	key := string(append(iana.AppendJSONString(nil, path[0]), ':'))
	i := slices.IndexFunc(b.members, func(m *branch) bool { return m.key == key })
	if i < 0 {
		i = len(b.members)
		b.members = append(b.members, &branch{key: key, field: field})
	}
	if len(path) > 1 {
		b.members[i].add(path[1:], field)
	}
}

// widthOf is how wide the column of a field is in text.
func widthOf(name string) int {
	f, _ := Lookup(name)
	switch {
	case f.Type == Time:
		return len("2026-08-17T09:00:00.000000000Z")
	case strings.HasSuffix(name, ".ip"):
		return len("255.255.255.255")
	case f.Type == Port || f.Type == Bool:
		return 5
	case f.Type == Count:
		return 8
	}
	return 10
}

// Names returns the names of the fields, in their order.
func (c *Chosen) Names() []string { return slices.Clone(c.names) }

// Has reports whether a field is chosen whose name begins with prefix.
func (c *Chosen) Has(prefix string) bool {
	return slices.ContainsFunc(c.names, func(n string) bool { return strings.HasPrefix(n, prefix) })
}

// Clone returns a Chosen with the same fields, for another goroutine.
func (c *Chosen) Clone() *Chosen {
	clone := *c
	clone.w = cellWriter{form: c.form}
	return &clone
}

// AppendHeader appends the names of the columns; JSON has none.
func (c *Chosen) AppendHeader(dst []byte) []byte {
	switch c.form {
	case CSVForm:
		return append(append(dst, strings.Join(c.names, ",")...), '\n')
	case TextForm:
		for i, name := range c.names {
			dst = c.pad(append(dst, name...), i, len(name))
		}
	}
	return dst
}

// AppendFlow appends the chosen fields of a flow of a capture.
func (c *Chosen) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	c.in = annotate.Input{Protocol: f.Protocol, Source: f.Source, Destination: f.Destination, Start: f.Start()}
	c.from = from{&c.in, f, a}
	return c.append(dst, &c.from)
}

// AppendInput appends the chosen fields of a flow that does not come from a
// capture.
func (c *Chosen) AppendInput(dst []byte, in *annotate.Input, a *annotate.Annotation) []byte {
	c.from = from{in, nil, a}
	return c.append(dst, &c.from)
}

func (c *Chosen) append(dst []byte, from *from) []byte {
	w := &c.w
	return c.write(dst, func(dst []byte, i int) ([]byte, bool) {
		w.dst, w.any = dst, false
		c.values[i](w, from)
		return w.dst, w.any
	})
}

// AppendRecord appends the chosen fields of a whole record in JSON.
func (c *Chosen) AppendRecord(dst, record []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(record))
	d.UseNumber()
	var whole map[string]any
	if err := d.Decode(&whole); err != nil {
		return dst, fmt.Errorf("choose fields: %w", err)
	}
	return c.write(dst, func(dst []byte, i int) ([]byte, bool) {
		var v any = whole
		for _, key := range strings.Split(c.names[i], ".") {
			object, _ := v.(map[string]any)
			v = object[key]
		}
		if v == nil {
			return dst, false
		}
		w := cellWriter{dst: dst, form: c.form}
		w.anything(v)
		return w.dst, true
	}), nil
}

// write writes a record. value appends the value of a field, and reports whether
// there is one.
func (c *Chosen) write(dst []byte, value func(dst []byte, i int) ([]byte, bool)) []byte {
	switch c.form {
	case JSONForm:
		dst, _ = c.tree.write(append(dst, '{'), value)
		return append(dst, "}\n"...)
	case CSVForm:
		for i := range c.names {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, _ = value(dst, i)
		}
		return append(dst, '\n')
	}
	for i := range c.names {
		at := len(dst)
		var any bool
		if dst, any = value(dst, i); !any || len(dst) == at {
			dst = append(dst[:at], '-')
		}
		dst = c.pad(dst, i, utf8.RuneCount(dst[at:]))
	}
	return dst
}

// pad ends a cell of text that is n columns wide.
func (c *Chosen) pad(dst []byte, i, n int) []byte {
	if i == len(c.names)-1 {
		return append(dst, '\n')
	}
	for ; n < c.widths[i]; n++ {
		dst = append(dst, ' ')
	}
	return append(dst, ' ')
}

// write writes the members that have a value, and reports whether there are any.
func (b *branch) write(dst []byte, value func(dst []byte, i int) ([]byte, bool)) (out []byte, any bool) {
	for _, m := range b.members {
		at := len(dst)
		if any {
			dst = append(dst, ',')
		}
		dst = append(dst, m.key...)
		var has bool
		if len(m.members) == 0 {
			dst, has = value(dst, m.field)
		} else if dst, has = m.write(append(dst, '{'), value); has {
			dst = append(dst, '}')
		}
		if any = any || has; !has {
			dst = dst[:at]
		}
	}
	return dst, any
}

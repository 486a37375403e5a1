package flowlog

import (
	"strconv"
	"unsafe"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/internal/portcache"
	"github.com/portannot/portannot/annotate/record"
)

// notes writes annotations, for one goroutine. Flows share few ports, so what
// is written of a port is kept.
type notes struct {
	annotation annotate.Annotation
	json       record.JSON
	clock      ascii.Clock // of CSV

	dialect  *dialect
	editions portcache.Editions[columnsOfEdition] // in the dialect
	words    []byte                               // of a list
}

// columnsOfEdition is what is kept for one edition of the registry.
type columnsOfEdition struct {
	dialect *dialect
	heads   []*serviceHead
	ends    portcache.Cache // status and name
	tail    []byte          // the last columns of a flow that has nothing in the others of them
	last    []byte          // edition, schema and caveat
}

// serviceHead keeps what head appends for one way in which services are decided,
// without a note; there are about a dozen.
type serviceHead struct {
	service annotate.Service // but for the port
	cells   portcache.Cache
}

// edition gives the date of the edition that the annotation was made with.
func (n *notes) edition() string { return editionDate(n.annotation.Registry) }

// editionDate is empty for an annotation that was not made by an Annotator.
func editionDate(r *iana.Registry) string {
	if r == nil {
		return ""
	}
	return r.Edition().Date
}

// object appends the annotation as a JSON object, but for its closing brace,
// so that a format can add to it.
func (n *notes) object(dst []byte) []byte { return n.json.AppendAnnotation(dst, &n.annotation) }

// columnNames are the fields that formats with columns get, in their order.
var columnNames = record.Columns(record.Added)

// schema1Columns is how many columns the first version of the record added.
// They had other names, but the last one was the caveat too.
const schema1Columns = 16

// wereAdded reports whether some version adds so many columns.
func wereAdded(n int) bool { return n == len(columnNames) || n == schema1Columns }

var schemaText = strconv.Itoa(record.Schema)

// dialect is how a format with columns writes values. Dialects are compared by
// address.
type dialect struct {
	sep   string // between columns
	unset string // a value that there is none of
	set   string // between the values of a list
	yes   string
	// cell appends text in the way of the format: quoted or escaped. It does
	// not keep the text.
	cell func(dst []byte, s string) []byte
	// last is the last column with the separator before it, the caveat. By it
	// a line shows that it was annotated: in an annotated log, lines that were
	// not understood stay without added columns.
	last []byte
}

func newDialect(d dialect) *dialect {
	d.last = d.text(nil, iana.Caveat)
	return &d
}

// columns appends the values of columnNames, a separator before each.
func (n *notes) columns(dst []byte, d *dialect) []byte {
	if n.dialect != d {
		n.speak(d)
	}
	a := &n.annotation
	c := n.editions.Of(a.Registry)
	e := a.ServiceEntry()
	if e != nil && a.Note == annotate.NoNote && !a.RegisteredLater {
		h := c.headOf(a.Service)
		dst = h.cells.Append(dst, e)
		if a.Service.Side == annotate.Destination && a.DestinationLocal == "" { // nearly all
			return append(c.ends.Append(c.ends.Append(dst, &a.Source), &a.Destination), c.tail...)
		}
	} else {
		dst = d.head(dst, a.Service, e, a.Note, a.RegisteredLater)
	}
	if a.NoSourcePort {
		dst = d.none(d.none(dst))
	} else {
		dst = c.ends.Append(dst, &a.Source)
	}
	if a.NoDestinationPort {
		dst = d.none(d.none(dst))
	} else {
		dst = c.ends.Append(dst, &a.Destination)
	}
	dst = d.text(dst, a.Local())
	return append(dst, c.last...)
}

// headOf gives what is kept for a way to decide services.
func (c *columnsOfEdition) headOf(s annotate.Service) *serviceHead {
	s.Port = 0
	for _, h := range c.heads {
		if h.service == s {
			return h
		}
	}
	h := &serviceHead{service: s}
	h.cells.Different = true // the port is in it
	h.cells.Write = func(dst []byte, e iana.Entry) []byte { return c.dialect.head(dst, s, &e, annotate.NoNote, false) }
	c.heads = append(c.heads, h)
	return h
}

// head appends the columns from side to registered_after_traffic. e is the entry
// of the service port, nil when there is none.
func (d *dialect) head(dst []byte, s annotate.Service, e *iana.Entry, note annotate.Note, later bool) []byte {
	dst = append(append(dst, d.sep...), s.Side.String()...)
	if e == nil {
		dst = d.none(dst)
	} else {
		dst = ascii.AppendUint(append(dst, d.sep...), uint64(e.Port))
	}
	dst = append(append(dst, d.sep...), s.Reason.String()...)
	dst = append(append(dst, d.sep...), s.Confidence.String()...)
	dst = d.text(dst, note.String())
	if e == nil {
		for range registeredColumns {
			dst = d.none(dst)
		}
		return dst
	}
	dst = append(append(dst, d.sep...), e.Status.String()...)
	dst = d.text(dst, e.Name())
	dst = append(dst, d.sep...)
	if e.NumNames() == 0 {
		dst = append(dst, d.unset...)
	}
	for i := range e.NumNames() {
		if i > 0 {
			dst = append(dst, d.set...)
		}
		dst = d.cell(dst, e.NameAt(i))
	}
	dst = d.text(dst, e.Unauthorized())
	gone, _ := e.Deassigned()
	dst = d.text(d.text(dst, gone.Date), gone.FormerName)
	if s := e.Siblings(); s == 0 {
		dst = d.none(dst)
	} else {
		dst = appendSiblings(append(dst, d.sep...), s, d.set)
	}
	if !later {
		return d.none(dst)
	}
	return append(append(dst, d.sep...), d.yes...)
}

// registeredColumns is how many columns head appends of a registration.
const registeredColumns = 8

func appendSiblings(dst []byte, s iana.TransportSet, sep string) []byte {
	first := true
	for t := range s.All() {
		if !first {
			dst = append(dst, sep...)
		}
		first = false
		dst = append(dst, t.String()...)
	}
	return dst
}

// speak takes up a dialect.
func (n *notes) speak(d *dialect) {
	n.dialect = d
	n.editions = portcache.Editions[columnsOfEdition]{New: func(r *iana.Registry) *columnsOfEdition {
		c := &columnsOfEdition{dialect: d}
		c.ends = portcache.Cache{Write: func(dst []byte, e iana.Entry) []byte {
			return d.text(append(append(dst, d.sep...), e.Status.String()...), e.Name())
		}}
		c.last = append(d.text(d.text(nil, editionDate(r)), schemaText), d.last...)
		c.tail = append(d.none(nil), c.last...)
		return c
	}}
}

// none appends a column without a value.
func (d *dialect) none(dst []byte) []byte { return append(append(dst, d.sep...), d.unset...) }

// text appends a column.
func (d *dialect) text(dst []byte, s string) []byte {
	if s == "" {
		return d.none(dst)
	}
	return d.cell(append(dst, d.sep...), s)
}

// names gives all names of a port with commas between them. The text is valid
// until the next call of names or siblings.
func (n *notes) names(e *iana.Entry) string {
	n.words = n.words[:0]
	for i := range e.NumNames() {
		if i > 0 {
			n.words = append(n.words, ',')
		}
		n.words = append(n.words, e.NameAt(i)...)
	}
	return unsafe.String(unsafe.SliceData(n.words), len(n.words))
}

// siblings gives the siblings of a port, likewise.
func (n *notes) siblings(e *iana.Entry) string {
	n.words = appendSiblings(n.words[:0], e.Siblings(), ",")
	return unsafe.String(unsafe.SliceData(n.words), len(n.words))
}

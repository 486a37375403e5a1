package flowlog

import (
	"strconv"
	"unsafe"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// Words for what keeps a record from a full annotation.
const (
	noPorts    = "protocol without ports"
	noPort     = "port not reported"
	noProtocol = "protocol not reported"
)

// notes writes annotations, for one goroutine. Flows share few ports, so what
// is written of a port is kept.
type notes struct {
	annotation annotate.Annotation
	note       string // see Record.note

	objects fragments // registrations in JSON
	opening []opening // services in JSON; there are about a dozen
	closing []byte    // edition and caveat in JSON
	edition string

	dialect *dialect
	heads   []*serviceHead
	ends    fragments // status and name, in the dialect
	tail    []byte    // the last columns of a flow that has nothing in the others of them
	last    []byte    // edition and caveat, in the dialect
	words   []byte    // for the remark
}

// opening keeps how an object begins for one way in which services are decided.
type opening struct {
	service annotate.Service // but for the port
	text    []byte
}

// serviceHead keeps the columns from side to remark for one way in which
// services are decided; there are about a dozen.
type serviceHead struct {
	service annotate.Service // but for the port
	cells   fragments
}

func newNotes(a *annotate.Annotator) notes {
	n := notes{objects: fragments{write: iana.AppendRegistration}}
	if a == nil { // for stripping there need be none
		return n
	}
	ed := a.Registry().Edition()
	n.edition = ed.Date
	n.closing = iana.AppendJSONString([]byte(`,"registry":{"edition":`), ed.Date)
	n.closing = iana.AppendJSONString(append(n.closing, `,"source":`...), ed.Source)
	n.closing = iana.AppendJSONString(append(n.closing, `},"caveat":`...), iana.Caveat)
	return n
}

// object appends the annotation as a JSON object, but for its closing brace,
// so that a format can add to it.
func (n *notes) object(dst []byte) []byte {
	a := &n.annotation
	dst = append(dst, n.openingOf(a.Service)...)
	e := service(a)
	if e != nil {
		dst = strconv.AppendUint(append(dst, `,"port":`...), uint64(a.Service.Port), 10)
	}
	dst = append(dst, '}')
	if n.note != "" {
		dst = append(append(append(dst, `,"note":"`...), n.note...), '"')
	}
	if e != nil {
		dst = n.objects.append(append(dst, `,"registered":`...), e)
	}
	if !a.NoSourcePort {
		dst = n.objects.append(append(dst, `,"source_registered":`...), &a.Source)
	}
	if !a.NoDestinationPort {
		dst = n.objects.append(append(dst, `,"destination_registered":`...), &a.Destination)
	}
	if a.RegisteredLater {
		dst = append(dst, `,"registered_after_traffic":true`...)
	}
	dst = appendMember(dst, `,"local":`, a.Local())
	dst = appendMember(dst, `,"source_local":`, a.SourceLocal)
	dst = appendMember(dst, `,"destination_local":`, a.DestinationLocal)
	return append(dst, n.closing...)
}

// openingOf gives the beginning of an object, up to the service's confidence.
func (n *notes) openingOf(s annotate.Service) []byte {
	s.Port = 0
	for i := range n.opening {
		if o := &n.opening[i]; o.service == s {
			return o.text
		}
	}
	text := append([]byte(`{"service":{"side":"`), s.Side.String()...)
	text = append(append(text, `","reason":"`...), s.Reason.String()...)
	text = append(append(text, `","confidence":"`...), s.Confidence.String()...)
	text = append(text, '"')
	n.opening = append(n.opening, opening{s, text})
	return text
}

func appendMember(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return iana.AppendJSONString(append(dst, key...), value)
}

// columnNames are the fields that formats with columns get, in their order.
var columnNames = []string{
	"portannot.side", "portannot.reason", "portannot.confidence",
	"portannot.port", "portannot.status", "portannot.name", "portannot.names", "portannot.remark",
	"portannot.source_status", "portannot.source_name",
	"portannot.destination_status", "portannot.destination_name",
	"portannot.registered_after_traffic", "portannot.local",
	"portannot.edition", "portannot.caveat",
}

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
	e := service(a)
	if e != nil && n.note == "" {
		h := n.headOf(a.Service)
		dst = h.cells.append(dst, e)
		if a.Service.Side == annotate.Destination && !a.RegisteredLater && a.DestinationLocal == "" { // nearly all
			return append(n.end(n.end(dst, &a.Source), &a.Destination), n.tail...)
		}
	} else {
		dst = n.head(dst, a.Service, e)
	}
	if a.NoSourcePort {
		dst = d.none(d.none(dst))
	} else {
		dst = n.end(dst, &a.Source)
	}
	if a.NoDestinationPort {
		dst = d.none(d.none(dst))
	} else {
		dst = n.end(dst, &a.Destination)
	}
	if !a.RegisteredLater && a.Local() == "" {
		return append(dst, n.tail...)
	}
	if a.RegisteredLater {
		dst = append(append(dst, d.sep...), d.yes...)
	} else {
		dst = d.none(dst)
	}
	dst = d.text(dst, a.Local())
	return append(dst, n.last...)
}

// service gives the registration of the service port in a, nil when there is
// none: [annotate.Annotation.Registered] without a copy.
func service(a *annotate.Annotation) *iana.Entry {
	switch a.Service.Side {
	case annotate.Source:
		if !a.NoSourcePort {
			return &a.Source
		}
	case annotate.Destination, annotate.Both:
		if !a.NoDestinationPort {
			return &a.Destination
		}
	}
	return nil
}

// end appends the columns of one end.
func (n *notes) end(dst []byte, e *iana.Entry) []byte {
	return n.ends.append(dst, e)
}

// headOf gives what is kept for a way to decide services.
func (n *notes) headOf(s annotate.Service) *serviceHead {
	s.Port = 0
	for _, h := range n.heads {
		if h.service == s {
			return h
		}
	}
	h := &serviceHead{service: s}
	h.cells.different = true // the port is in it
	h.cells.write = func(dst []byte, e iana.Entry) []byte { return n.head(dst, s, &e) }
	n.heads = append(n.heads, h)
	return h
}

// head appends the columns from side to remark. e is that of the service port,
// nil when there is none.
func (n *notes) head(dst []byte, s annotate.Service, e *iana.Entry) []byte {
	d := n.dialect
	dst = append(append(dst, d.sep...), s.Side.String()...)
	dst = append(append(dst, d.sep...), s.Reason.String()...)
	dst = append(append(dst, d.sep...), s.Confidence.String()...)
	if e == nil {
		dst = d.none(d.none(d.none(d.none(dst))))
		return d.text(dst, n.note)
	}
	dst = strconv.AppendUint(append(dst, d.sep...), uint64(e.Port), 10)
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
	return d.text(dst, n.remark(*e))
}

// speak takes up a dialect.
func (n *notes) speak(d *dialect) {
	n.dialect, n.heads = d, nil
	n.ends = fragments{write: func(dst []byte, e iana.Entry) []byte {
		return d.text(append(append(dst, d.sep...), e.Status.String()...), e.Name())
	}}
	n.last = append(d.text(nil, n.edition), d.last...)
	n.tail = append(d.none(d.none(nil)), n.last...)
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

// remark says in words what else is worth knowing of the service port. The text
// is valid until the next call.
func (n *notes) remark(e iana.Entry) string {
	n.words = appendRemark(n.words[:0], e, n.note)
	return unsafe.String(unsafe.SliceData(n.words), len(n.words))
}

// names gives all names of a port with commas between them, likewise.
func (n *notes) names(e iana.Entry) string {
	n.words = n.words[:0]
	for i := range e.NumNames() {
		if i > 0 {
			n.words = append(n.words, ',')
		}
		n.words = append(n.words, e.NameAt(i)...)
	}
	return unsafe.String(unsafe.SliceData(n.words), len(n.words))
}

func appendRemark(dst []byte, e iana.Entry, note string) []byte {
	next := func(words string) {
		if len(dst) > 0 {
			dst = append(dst, "; "...)
		}
		dst = append(dst, words...)
	}
	if note != "" {
		next(note)
	}
	if gone, ok := e.Deassigned(); ok {
		next("de-assigned")
		if gone.Date != "" {
			dst = append(append(dst, ' '), gone.Date...)
		}
		if gone.FormerName != "" {
			dst = append(append(dst, " was "...), gone.FormerName...)
		}
	}
	if e.Unauthorized() != "" {
		next("unauthorized use reported")
	}
	if s := e.Siblings(); s != 0 && e.Status != iana.Assigned {
		next("assigned on")
		for _, t := range iana.Transports() {
			if s.Has(t) {
				dst = append(append(dst, ' '), t.String()...)
			}
		}
	}
	return dst
}

// fragments keeps what was written for each port. Most ports share a text with
// many others, "unassigned" for one, so each text is kept once: what clients'
// ports need, which are all different, then stays in the cache of a core.
type fragments struct {
	write func(dst []byte, e iana.Entry) []byte
	// different says that no two ports have the same text, so that none is
	// looked for.
	different bool
	ids       [iana.NumTransports]*[1 << 16]uint16 // of texts; 0 is not written yet
	texts     []string                             // by id; the first is not used
	known     map[string]uint16
	size      int // of all texts, in octets
}

// Bounds of what is kept. The whole registry takes less for any transport.
const (
	maxTexts    = 1<<16 - 1
	maxTextSize = 32 << 20
)

func (fr *fragments) append(dst []byte, e *iana.Entry) []byte {
	if int(e.Transport) >= len(fr.ids) {
		return fr.write(dst, *e)
	}
	if ids := fr.ids[e.Transport]; ids != nil {
		if id := ids[e.Port]; id != 0 {
			return append(dst, fr.texts[id]...)
		}
	}
	return fr.add(dst, *e)
}

// add writes a text and keeps it, if there is room.
func (fr *fragments) add(dst []byte, e iana.Entry) []byte {
	if fr.known == nil {
		fr.known, fr.texts = map[string]uint16{}, []string{""}
	}
	if fr.ids[e.Transport] == nil {
		fr.ids[e.Transport] = new([1 << 16]uint16)
	}
	from := len(dst)
	dst = fr.write(dst, e)
	var id uint16
	if !fr.different {
		id = fr.known[string(dst[from:])]
	}
	if id == 0 {
		if len(fr.texts) > maxTexts || fr.size > maxTextSize {
			return dst
		}
		text := string(dst[from:])
		id = uint16(len(fr.texts))
		fr.texts = append(fr.texts, text)
		if !fr.different {
			fr.known[text] = id
		}
		fr.size += len(text)
	}
	fr.ids[e.Transport][e.Port] = id
	return dst
}

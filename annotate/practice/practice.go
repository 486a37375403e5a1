// Package practice knows of software that, by its own documentation, uses a port
// that is not registered for it.
//
// That is no registration, and as little proof of what traffic is: whoever likes may use
// the port for something else. So it is always shown apart from the registration, with
// the same caveat. An entry names the document that says so, and the day on which it
// was read. Software whose documentation was not read is not in the table.
package practice

import (
	"iter"

	"github.com/portannot/portannot/annotate/iana"
)

// Entry is software that uses a port, or some of a range of ports.
type Entry struct {
	Transport iana.Transport
	Ports     iana.Span
	Software  string // "Tailscale"
	Use       string // what it uses the port for
	Document  *Document
}

// Document is what the software's own project says.
type Document struct {
	Title string
	URL   string
	Read  string // the day on which it was read: "2026-12-01"
}

// All yields all entries, by port, then by transport.
func All() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for i := range table {
			if !yield(&table[i]) {
				return
			}
		}
	}
}

// At yields the entries of a port on a transport. It does not allocate.
func At(t iana.Transport, port uint16) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for i := range table {
			e := &table[i]
			if e.Ports.First > port {
				return
			}
			if e.Transport == t && e.Ports.Last >= port && !yield(e) {
				return
			}
		}
	}
}

// Has reports whether there is an entry of a port on a transport.
func Has(t iana.Transport, port uint16) bool {
	for range At(t, port) {
		return true
	}
	return false
}

// AppendJSON appends the entries of a port as a JSON array, or nothing if there are
// none.
func AppendJSON(dst []byte, t iana.Transport, port uint16) []byte {
	begin := byte('[')
	for e := range At(t, port) {
		dst = append(dst, begin)
		begin = ','
		dst = iana.AppendJSONString(append(dst, `{"software":`...), e.Software)
		dst = iana.AppendJSONString(append(dst, `,"use":`...), e.Use)
		if e.Ports.First != e.Ports.Last {
			dst = iana.AppendJSONString(append(dst, `,"ports":`...), e.Ports.String())
		}
		dst = iana.AppendJSONString(append(dst, `,"document":`...), e.Document.Title)
		dst = iana.AppendJSONString(append(dst, `,"url":`...), e.Document.URL)
		dst = iana.AppendJSONString(append(dst, `,"read":`...), e.Document.Read)
		dst = append(dst, '}')
	}
	if begin == ',' {
		dst = append(dst, ']')
	}
	return dst
}

// Software names the software of a port's entries: "Cilium, K3s", or "".
func Software(t iana.Transport, port uint16) string {
	s, last := "", ""
	for e := range At(t, port) {
		if e.Software == last {
			continue
		}
		if s != "" {
			s += ", "
		}
		last = e.Software
		s += last
	}
	return s
}

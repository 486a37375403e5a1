package netflow

import (
	"container/list"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/netsampler/goflow2/v2/decoders/netflow"
)

// domainKey names what template IDs are unique in. For version 9 that is the
// exporter's address and its source ID (RFC 3954 section 5.1), for IPFIX the
// transport session and the observation domain (RFC 7011 section 8).
type domainKey struct {
	version Version
	address netip.Addr
	port    uint16 // 0 for version 9
	session uint64 // tells connections and files apart; 0 for datagrams
	domain  uint32
}

// domain is what is kept of one observation domain.
type domain struct {
	key       domainKey
	templates map[uint16]*template
	fields    int // of all templates together
	// next is the sequence number that is expected; valid when sequenced.
	next      uint32
	sequenced bool
	// boot and sampling come from records of options.
	boot     int64
	sampling uint32
	mixed    bool // several sampling rates were said; none is noted
}

// template is one that was received.
type template struct {
	fields   []netflow.Field
	options  bool
	scopes   int       // how many of the fields are scopes
	wants    []element // what a Record wants of each field
	fixed    int       // bytes of the fields of fixed length, and of the length bytes of the others
	variable bool      // some field is of variable length
	flow     bool      // records are about flows
}

const variableLength = 0xffff // RFC 7011 section 3.2

// newTemplate resolves the fields of a template.
func newTemplate(options bool, scopes, fields []netflow.Field) (*template, error) {
	t := &template{fields: fields, options: options, scopes: len(scopes)}
	if len(scopes) > 0 {
		t.fields = append(append(make([]netflow.Field, 0, len(scopes)+len(fields)), scopes...), fields...)
	}
	t.wants = make([]element, len(t.fields))
	for i := range t.fields {
		f := &t.fields[i]
		if f.PenProvided {
			f.Type &^= 0x8000 // which the decoder leaves on in options
		}
		if f.Length == variableLength {
			t.variable = true
			t.fixed++
		} else {
			t.fixed += int(f.Length)
		}
		if i < t.scopes {
			continue // numbered by themselves in version 9, and never of use
		}
		t.wants[i] = elementOf(*f)
		switch t.wants[i] {
		case protocol, sourcePort, destinationPort, sourceIPv4, sourceIPv6, destinationIPv4, destinationIPv6:
			t.flow = !options
		}
	}
	if t.fixed == 0 {
		return nil, fmt.Errorf("records of no bytes")
	}
	return t, nil
}

// recordLength gives the bytes of the record at the beginning of b; ok is
// false when b does not have them all.
func (t *template) recordLength(b []byte) (n int, ok bool) {
	if !t.variable {
		return t.fixed, t.fixed <= len(b)
	}
	for i := range t.fields {
		length := int(t.fields[i].Length)
		if length == variableLength {
			if n >= len(b) {
				return 0, false
			}
			length = int(b[n])
			n++
			if length == 255 {
				if n+2 > len(b) {
					return 0, false
				}
				length = int(binary.BigEndian.Uint16(b[n:]))
				n += 2
			}
		}
		if n += length; n > len(b) {
			return 0, false
		}
	}
	return n, true
}

// Limits bound what is kept of exporters.
type Limits struct {
	Domains int // observation domains
	Fields  int // of the templates of all domains together; each takes about 20 bytes
}

// DefaultLimits are for a large collector: some 40 MB at most.
var DefaultLimits = Limits{Domains: 4096, Fields: 1 << 20}

// domains keeps the domains, the most recently used first.
type domains struct {
	limits  Limits
	byKey   map[domainKey]*list.Element // of *domain
	recent  list.List
	fields  int
	evicted *uint64
}

func newDomains(l Limits, evicted *uint64) *domains {
	if l.Domains <= 0 {
		l.Domains = DefaultLimits.Domains
	}
	if l.Fields <= 0 {
		l.Fields = DefaultLimits.Fields
	}
	return &domains{limits: l, byKey: make(map[domainKey]*list.Element), evicted: evicted}
}

// get gives a domain, a new one if need be.
func (ds *domains) get(key domainKey) *domain {
	if e, ok := ds.byKey[key]; ok {
		ds.recent.MoveToFront(e)
		return e.Value.(*domain)
	}
	if ds.recent.Len() >= ds.limits.Domains {
		ds.evict()
	}
	d := &domain{key: key, templates: make(map[uint16]*template)}
	ds.byKey[key] = ds.recent.PushFront(d)
	return d
}

// evict forgets the least recently used domain.
func (ds *domains) evict() {
	ds.drop(ds.recent.Back())
	*ds.evicted++
}

func (ds *domains) drop(e *list.Element) {
	d := ds.recent.Remove(e).(*domain)
	delete(ds.byKey, d.key)
	ds.fields -= d.fields
}

// end forgets all domains of a connection or a file.
func (ds *domains) end(session uint64) {
	for e := ds.recent.Front(); e != nil; {
		next := e.Next()
		if e.Value.(*domain).key.session == session {
			ds.drop(e)
		}
		e = next
	}
}

// add keeps a template in d, the domain that was got last. It reports whether
// there was room.
func (ds *domains) add(d *domain, id uint16, t *template) bool {
	ds.remove(d, id)
	n := len(t.fields)
	for ds.fields+n > ds.limits.Fields {
		if ds.recent.Len() == 1 {
			return false
		}
		ds.evict()
	}
	d.templates[id] = t
	d.fields += n
	ds.fields += n
	return true
}

// remove forgets a template.
func (ds *domains) remove(d *domain, id uint16) {
	if t, ok := d.templates[id]; ok {
		d.fields -= len(t.fields)
		ds.fields -= len(t.fields)
		delete(d.templates, id)
	}
}

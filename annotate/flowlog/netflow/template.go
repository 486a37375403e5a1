package netflow

import (
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
	agent   netip.Addr // of sFlow, as the message says; zero for others
	port    uint16     // 0 for version 9 and sFlow
	session uint64     // tells connections and files apart; 0 for datagrams
	domain  uint32
}

// domain is what is kept of one observation domain.
type domain struct {
	key       domainKey
	exporter  *exporter
	place     *place[domainKey, *domain]
	templates map[uint16]*template
	held      []heldSet // data sets that wait for a template, the oldest first
	fields    int       // of all templates together
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
	flow     bool      // records can have an address or a port
	useful   bool      // records can have something that is wanted; those of others need no decoding
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
		case sourcePort, destinationPort, sourceIPv4, sourceIPv6, destinationIPv4, destinationIPv6:
			t.flow = t.flow || !options && f.Length > 0
		}
		t.useful = t.useful || options && t.wants[i] != ignored
	}
	t.useful = t.useful || t.flow
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

// Package iana looks up ports in the IANA Service Name and Transport Protocol
// Port Number Registry (RFC 6335).
//
// The registry is a list of records. A record either gives a service name or
// says that ports are reserved or unassigned. It applies to one port, to a range
// of ports, or to no port: some service names are registered for DNS-SD only
// (RFC 6763). It names one transport, or none; without one it applies to all
// transports. Several records may apply to the same port and transport: 80/tcp
// is registered as http, www and www-http.
//
// A missing record has a meaning too. Below 49152 it means that the port is
// unassigned (RFC 6335 section 6). Ports from 49152 to 65535 are dynamic: IANA
// never assigns them.
//
// [Embedded] gives the edition of the registry that is part of the program.
// Package edition, below this one, reads the files that IANA publishes.
//
// A registration does not tell what the traffic on a port is: see [Caveat].
package iana

import (
	"fmt"
	"strings"
)

// Transport is one of the transport protocols of the registry. The zero value
// means that no transport is specified.
type Transport uint8

// The transports of the registry, in its own order.
const (
	NoTransport Transport = iota // not specified: the record applies to all
	TCP
	UDP
	SCTP
	DCCP

	// NumTransports bounds arrays that are indexed by Transport.
	NumTransports = int(DCCP) + 1
)

var transportNames = [NumTransports]string{"", "tcp", "udp", "sctp", "dccp"}

// Transports returns the four transports in this order: TCP, UDP, SCTP, DCCP.
func Transports() [4]Transport { return [4]Transport{TCP, UDP, SCTP, DCCP} }

// String returns the registry's spelling: "tcp", "udp", "sctp", "dccp", or "" for
// [NoTransport].
func (t Transport) String() string {
	if int(t) < len(transportNames) {
		return transportNames[t]
	}
	return fmt.Sprintf("transport(%d)", uint8(t))
}

// ParseTransport reads the name of a transport: "tcp", "udp", "sctp" or "dccp" in
// any case. "udplite" and "udp-lite" give [UDP], because UDP-Lite uses the
// entries of UDP (RFC 6335 section 6). Any other text, and empty text, is an
// error.
func ParseTransport(s string) (Transport, error) {
	switch strings.ToLower(s) {
	case "tcp":
		return TCP, nil
	case "udp", "udplite", "udp-lite":
		return UDP, nil
	case "sctp":
		return SCTP, nil
	case "dccp":
		return DCCP, nil
	}
	return NoTransport, fmt.Errorf("unknown transport %q: want tcp, udp, sctp or dccp", s)
}

// MarshalText returns the same text as String.
func (t Transport) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what [ParseTransport] reads; empty text is [NoTransport].
func (t *Transport) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = NoTransport
		return nil
	}
	v, err := ParseTransport(string(b))
	if err == nil {
		*t = v
	}
	return err
}

// TransportOf returns the transport of an IP protocol number: 6 is TCP, 17 and
// 136 (UDP-Lite) are UDP, 33 is DCCP and 132 is SCTP. ok is false for any other
// number.
func TransportOf(protocol uint8) (t Transport, ok bool) {
	switch protocol {
	case 6:
		return TCP, true
	case 17, 136:
		return UDP, true
	case 132:
		return SCTP, true
	case 33:
		return DCCP, true
	}
	return NoTransport, false
}

// TransportName returns the transport's name for the number of an IP protocol
// with ports: the name of TransportOf, but "udplite" for UDP-Lite. It is "" for
// any other protocol.
func TransportName(protocol uint8) string {
	if protocol == 136 {
		return "udplite"
	}
	t, _ := TransportOf(protocol)
	return t.String()
}

// Status is what the registry says about a port on a transport. The zero value
// means that the edition does not cover the port.
type Status uint8

// The statuses.
const (
	Unknown    Status = iota // the edition does not cover the port
	Assigned                 // registered for a service or a described use
	Reserved                 // set aside by IANA
	Unassigned               // free, no longer assigned, or without a record below 49152
	Dynamic                  // 49152 to 65535 (RFC 6335 section 6)

	// NumStatuses bounds arrays that are indexed by Status.
	NumStatuses = int(Dynamic) + 1
)

var statusNames = [NumStatuses]string{"unknown", "assigned", "reserved", "unassigned", "dynamic"}

// String returns "assigned", "reserved", "unassigned", "dynamic" or "unknown".
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// ParseStatus reads what [Status.String] returns, in any case.
func ParseStatus(s string) (Status, error) {
	for i, n := range statusNames {
		if strings.EqualFold(s, n) {
			return Status(i), nil
		}
	}
	return Unknown, fmt.Errorf("unknown status %q: want assigned, reserved, unassigned, dynamic or unknown", s)
}

// MarshalText returns the same text as String.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [ParseStatus] reads.
func (s *Status) UnmarshalText(b []byte) error {
	v, err := ParseStatus(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// Span is a range of ports from First to Last, both included.
type Span struct{ First, Last uint16 }

// Contains reports whether port p lies in the span.
func (s Span) Contains(p uint16) bool { return s.First <= p && p <= s.Last }

// String returns "6000-6063", or "80" if the span is one port.
func (s Span) String() string {
	if s.First == s.Last {
		return fmt.Sprint(s.First)
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

// Record is one row of the registry as published. A field is empty if it is empty
// in the row, or if the form that was read does not have it.
type Record struct {
	Name        string
	Ports       Span // valid if HasPort
	HasPort     bool // false for a name that is registered without a port
	Transport   Transport
	Description string   // with single spaces: see FoldSpace
	Assignee    string   // "[IESG]", or "[A][B]" for several; the same as Contact if the row has none
	Contact     string   // "[IETF_Chair]", or "[A][B]" for several
	Registered  string   // registration date: "2013-11-12" or "2005-04"
	Modified    string   // modification date, in the same forms
	References  []string // documents, without brackets: "RFC6335"
	ServiceCode string   // DCCP service code (RFC 4340 section 8.1.2), as published
	// Unauthorized is the registry's report that ports of this record are used
	// without an assignment.
	Unauthorized string
	Notes        string // assignment notes
	Line         int    // line of the file where the row begins, from 1; 0 if unknown
}

// Caveat is the registry's own warning as one word, for programs: that a port is
// registered does not mean that traffic on it is of that service.
const Caveat = "registration-does-not-validate-traffic"

// Warning is the registry's own warning as a sentence, for people.
const Warning = "A registered port says nothing of what the traffic really is (IANA)."

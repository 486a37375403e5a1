// Package iana answers, for any transport and port, what the IANA Service Name
// and Transport Protocol Port Number Registry (RFC 6335) says of it.
//
// The registry is a list of records. A record names a service, or says that a
// port is reserved or unassigned; it applies to one port, to a range of ports,
// or to no port at all (a service name registered for DNS-SD only); and it is
// for one transport, or for none, in which case it applies to all of them.
// Several records may concern the same port and transport: 80/tcp is
// registered as http, www and www-http. Absence of a record has a meaning too:
// below 49152 it means unassigned (RFC 6335 section 6), and from 49152 up the
// ports are dynamic and are never assigned.
//
// A registration says nothing of the traffic seen on a port: see [Caveat].
package iana

import (
	"fmt"
	"strings"
)

// Transport is a transport protocol for which the registry has a column value.
// The zero value means that no transport is specified.
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

// Transports lists the four transports in the order of the registry.
func Transports() [4]Transport { return [4]Transport{TCP, UDP, SCTP, DCCP} }

// String gives the registry's spelling: "tcp", "udp", "sctp", "dccp", or "" for
// [NoTransport].
func (t Transport) String() string {
	if int(t) < len(transportNames) {
		return transportNames[t]
	}
	return fmt.Sprintf("transport(%d)", uint8(t))
}

// ParseTransport reads a transport's name in any case. "udplite" and "udp-lite"
// give [UDP], whose entries UDP-Lite uses (RFC 6335 section 6).
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

// MarshalText gives the same text as String.
func (t Transport) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is [NoTransport].
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

// TransportOf gives the registry's transport for an IP protocol number (the
// IANA "Assigned Internet Protocol Numbers"): 6, 17, 33, 132, and 136
// (UDP-Lite) as UDP. ok is false for any other protocol.
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

// Status is what the registry says of a port on a transport. The zero value
// means that the loaded edition does not cover the port.
type Status uint8

// The statuses.
const (
	Unknown    Status = iota // outside what the loaded edition covers
	Assigned                 // registered for a service or a described use
	Reserved                 // set aside by IANA
	Unassigned               // free, de-assigned, or without any record below 49152
	Dynamic                  // 49152 to 65535 (RFC 6335 section 6)

	// NumStatuses bounds arrays that are indexed by Status.
	NumStatuses = int(Dynamic) + 1
)

var statusNames = [NumStatuses]string{"unknown", "assigned", "reserved", "unassigned", "dynamic"}

// String gives "assigned", "reserved", "unassigned", "dynamic" or "unknown".
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// ParseStatus reads what String writes, in any case.
func ParseStatus(s string) (Status, error) {
	for i, n := range statusNames {
		if strings.EqualFold(s, n) {
			return Status(i), nil
		}
	}
	return Unknown, fmt.Errorf("unknown status %q: want assigned, reserved, unassigned, dynamic or unknown", s)
}

// MarshalText gives the same text as String.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Status) UnmarshalText(b []byte) error {
	v, err := ParseStatus(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// Span is an inclusive range of ports.
type Span struct{ First, Last uint16 }

// Contains reports whether port p lies in the span.
func (s Span) Contains(p uint16) bool { return s.First <= p && p <= s.Last }

// String gives "6000-6063", or "80" where the span is one port.
func (s Span) String() string {
	if s.First == s.Last {
		return fmt.Sprint(s.First)
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

// Record is one row of the registry as published. Empty fields are empty in
// the row, or not carried by the form that was read.
type Record struct {
	Name        string
	Ports       Span // valid when HasPort
	HasPort     bool
	Transport   Transport
	Description string   // white space folded to single spaces
	Assignee    string   // as published: "[IESG]", or "[A][B]" for several; the contact's where the row names none
	Contact     string   // likewise: "[IETF_Chair]"
	Registered  string   // registration date as published: "2013-11-12" or "2005-04"
	Modified    string   // modification date, likewise
	References  []string // without brackets: "RFC6335"
	ServiceCode string   // DCCP service code, as published
	// Unauthorized is the registry's report of use without an assignment.
	Unauthorized string
	Notes        string // assignment notes
	Line         int    // line of the source where the row begins, from 1; 0 when unknown
}

// Caveat is the registry's own warning, in the form every output carries.
const Caveat = "registration-does-not-validate-traffic"

// Warning is the registry's own warning, in one sentence for people.
const Warning = "A registered port says nothing of what the traffic really is (IANA)."

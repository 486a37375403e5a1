package review

import (
	"net/netip"
	"slices"
	"time"
)

// Policy says which services are expected, and which traffic to ignore. It is
// written in YAML:
//
//	version: 1
//	groups:                        # names for addresses
//	  offices: [10.20.0.0/24, 2001:db8:20::/64]
//	  dns: [10.20.0.53]
//	expected:
//	  - name: resolver             # what people call it
//	    ports: [domain]            # a registered service name, on all its transports,
//	    servers: [dns]
//	    clients: [offices]
//	    owner: network team
//	    reason: name resolution
//	  - name: the old billing
//	    ports: [8443/tcp, 9000-9010/tcp]  # ports and ranges with their transport
//	    servers: [10.20.0.20]
//	    ticket: CHG-1042
//	    expires: 2026-12-31        # the last day on which it is expected (UTC)
//	    accept: [port-unassigned]  # findings that are known and not reported
//	ignore:
//	  - clients: [10.20.0.250]
//	    reason: the vulnerability scanner
//
// An entry of expected must have ports; "any" means all ports. servers and clients are
// addresses, prefixes in CIDR notation or groups; without them, any address is meant. With
// transport: tcp, or a list of transports, ports may be bare numbers, and service names
// apply to these transports only. An entry of ignore must have a reason, and at least one
// of ports, transport, servers and clients. Traffic that it covers and that no entry
// expects is counted, but not reviewed. Any other key is an error, and so is a name or an
// address that is not understood: otherwise part of the policy would silently be missing.
type Policy struct {
	File     string
	Expected []*Entry
	Ignore   []*Entry

	byPort map[portKey][]*Entry // of Expected and Ignore, filled as ports are asked for
}

type portKey struct {
	protocol uint8
	port     uint16
}

// Ports is a range of ports, both ends included, on one transport.
type Ports struct {
	Protocol    uint8 // IP protocol number; 0 is any
	First, Last uint16
}

// Contains reports whether a port on a transport lies in the range.
func (p Ports) Contains(protocol uint8, port uint16) bool {
	return (p.Protocol == 0 || p.Protocol == protocol) && p.First <= port && port <= p.Last
}

// Entry is one entry of a policy.
type Entry struct {
	File string
	Line int // where the entry begins
	Name string
	// Text is the entry's ports, servers and clients as written, in one line.
	Text string
	// Ports are the ports that the entry is about; nil is all.
	Ports            []Ports
	Servers, Clients []netip.Prefix // nil is any
	Owner            string
	Reason           string
	Ticket           string
	Expires          time.Time // the time from which the entry has expired; zero is never
	Accept           []Kind    // kinds of findings not to report about the services it covers

	index  int // in Expected or Ignore
	ignore bool
}

// Label returns a name for people: Name, or else what the entry is about.
func (e *Entry) Label() string {
	if e.Name != "" {
		return e.Name
	}
	return e.Text
}

func (e *Entry) port(protocol uint8, port uint16) bool {
	return e.Ports == nil || slices.ContainsFunc(e.Ports, func(p Ports) bool { return p.Contains(protocol, port) })
}

// plainAddr gives an address as prefixes contain it: without a zone, and IPv4 as
// such.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func in(list []netip.Prefix, a netip.Addr) bool {
	return list == nil || slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// expired reports whether the entry had run out at a time.
func (e *Entry) expired(at int64) bool {
	return !e.Expires.IsZero() && at >= e.Expires.UnixNano()
}

// accepts reports whether findings of a kind are known.
func (e *Entry) accepts(k Kind) bool { return slices.Contains(e.Accept, k) }

// candidates are the entries that are about a port, those of Expected first:
// what is expected is not ignored.
func (p *Policy) candidates(protocol uint8, port uint16) []*Entry {
	key := portKey{protocol, port}
	list, ok := p.byPort[key]
	if !ok {
		for _, entries := range [][]*Entry{p.Expected, p.Ignore} {
			for _, e := range entries {
				if e.port(protocol, port) {
					list = append(list, e)
				}
			}
		}
		if p.byPort == nil {
			p.byPort = map[portKey][]*Entry{}
		}
		p.byPort[key] = list
	}
	return list
}

// verdict is what a policy says of a flow.
type verdict uint8

const (
	expected    verdict = iota
	notExpected         // no entry covers it
	expired             // only an entry that has run out does
	ignored
	numVerdictsOfPolicy
)

// expectation is a verdict with the entry behind it.
type expectation struct {
	verdict verdict
	timed   bool // it would be another at another time
	// entry expects, ignores or expected it; for notExpected it is one that
	// expects the service, but not from this client, or nil.
	entry *Entry
}

// match says what the policy has for a flow from client to server.
func (p *Policy) match(f *Flow, now int64, client netip.Addr, server netip.AddrPort) (x expectation) {
	at := f.Last
	if at == 0 {
		at = now
	}
	client, addr := plainAddr(client), plainAddr(server.Addr())
	x.verdict = notExpected
	for _, e := range p.candidates(f.Protocol, server.Port()) {
		if !in(e.Servers, addr) {
			continue
		}
		switch {
		case !in(e.Clients, client):
			if !e.ignore && x.entry == nil {
				x.entry = e
			}
		case e.expired(at):
			if x.timed = true; !e.ignore && x.verdict == notExpected {
				x.verdict, x.entry = expired, e
			}
		case e.ignore:
			x.verdict, x.entry, x.timed = ignored, e, x.timed || !e.Expires.IsZero()
			return x
		default:
			x.verdict, x.entry, x.timed = expected, e, x.timed || !e.Expires.IsZero()
			return x
		}
	}
	return x
}

// expects reports whether an entry covers a flow from client to server, so that
// its author knew the server for one.
func (p *Policy) expects(protocol uint8, client netip.Addr, server netip.AddrPort) bool {
	client, addr := plainAddr(client), plainAddr(server.Addr())
	return slices.ContainsFunc(p.candidates(protocol, server.Port()), func(e *Entry) bool {
		return !e.ignore && e.Ports != nil && in(e.Servers, addr) && in(e.Clients, client)
	})
}

// ignores gives the entry that ignores a flow of which it is not known which
// end is the service, or nil.
func (p *Policy) ignores(f *Flow, now int64) *Entry {
	for _, ends := range [][2]netip.AddrPort{{f.Source, f.Destination}, {f.Destination, f.Source}} {
		if x := p.match(f, now, ends[0].Addr(), ends[1]); x.verdict == ignored {
			return x.entry
		}
	}
	return nil
}

// maxEntries bounds the entries that are kept of one service.
const maxEntries = 8

// expectations are what a policy says of the flows of a service.
type expectations struct {
	flows   [numVerdictsOfPolicy]uint64
	entries []*Entry // that expect or ignore flows of it
	near    *Entry   // expects it, but not from some clients
	over    *Entry   // expected it, until it expired
}

// add counts flows. It reports whether an entry covers the service for the
// first time. use is that of the entry, nil where none expects or ignores them.
func (x *expectations) add(e *expectation, use *entryUse, n uint64) (first bool) {
	x.flows[e.verdict] += n
	switch e.verdict {
	case expected, ignored:
		if len(x.entries) < maxEntries && !slices.Contains(x.entries, e.entry) {
			if x.entries == nil {
				x.entries = use.alone[:]
			} else {
				x.entries = append(x.entries, e.entry)
			}
			return true
		}
	case notExpected:
		if x.near == nil {
			x.near = e.entry
		}
	case expired:
		if x.over == nil {
			x.over = e.entry
			return true
		}
	}
	return false
}

// accepts reports whether an entry that covers the service takes findings of a
// kind as known.
func (x *expectations) accepts(k Kind) bool {
	return slices.ContainsFunc(x.entries, func(e *Entry) bool { return e.accepts(k) })
}

// onlyIgnored reports that no flow of the service is part of the review.
func (x *expectations) onlyIgnored() bool {
	return x.flows[ignored] > 0 && x.flows[expected]+x.flows[notExpected]+x.flows[expired] == 0
}

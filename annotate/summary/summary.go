// Package summary counts annotated flows by service, port, host, status and the
// like, in bounded memory.
package summary

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
)

// Limits of the memory of a Table.
const (
	// MaxGroups is the most groups to count separately: there is room for every
	// port of every transport. Table.Others counts the flows of all other groups
	// together.
	MaxGroups = 1 << 18
	// MaxAddresses is the most addresses of clients and servers to remember for
	// all groups. Beyond it, the counts of clients and servers are lower
	// bounds.
	MaxAddresses = 1 << 20
)

// Key is what flows are counted by.
type Key uint8

// The keys.
const (
	Service  Key = iota // port and transport of the service: 443/tcp
	Port                // port of the service
	Server              // address of the service's end
	Client              // address of the other end
	Host                // address of either end: a flow counts for both
	Status              // of the service port
	Name                // preferred registered name of the service port
	Protocol            // protocol that the payload looks like
	Verdict             // whether it agrees with the registration
	numKeys
)

var keyNames = [numKeys]string{"service", "port", "server", "client", "host", "status", "name", "observed", "verdict"}

func (k Key) String() string {
	if k < numKeys {
		return keyNames[k]
	}
	return fmt.Sprintf("key(%d)", uint8(k))
}

// ParseKey is the inverse of String.
func ParseKey(s string) (Key, bool) {
	i := slices.Index(keyNames[:], s)
	return Key(max(i, 0)), i >= 0
}

// KeyNames returns what ParseKey takes.
func KeyNames() []string { return keyNames[:] }

// Group is what was counted of the flows with the same keys.
type Group struct {
	Keys                  []string // by Table.Keys; "-" is not known
	Name                  string   // preferred registered name of the service port, if Service is a key; "" for none
	Flows, Packets, Bytes uint64   // bytes are those of the IP packets; of logs, what these report
	First, Last           int64    // time of the earliest and of the latest packet, nanoseconds since the Unix epoch; 0 if not known
	Statuses              [iana.NumStatuses]uint64
	NoSide                uint64                      // flows with no service side, which have no status
	Observed              map[observe.Protocol]uint64 // flows by recognised protocol
	Uncounted             uint64                      // flows of logs that report no packets or no bytes
	AtLeast               bool                        // there may be more clients and servers than were told apart
	clients, servers      addresses
	sortKeys              []sortKey // of Keys
}

// Clients is how many addresses used a service; see AtLeast.
func (g *Group) Clients() int { return g.clients.len() }

// Servers is how many addresses offered one; see AtLeast.
func (g *Group) Servers() int { return g.servers.len() }

// addresses is a set. Most sets have one address.
type addresses struct {
	first netip.Addr
	more  map[netip.Addr]struct{}
}

func (a *addresses) len() int {
	if !a.first.IsValid() {
		return 0
	}
	return 1 + len(a.more)
}

func (a *addresses) has(addr netip.Addr) bool {
	if a.first == addr {
		return true
	}
	_, ok := a.more[addr]
	return ok
}

func (a *addresses) add(addr netip.Addr) {
	switch {
	case !a.first.IsValid():
		a.first = addr
	case a.more == nil:
		a.more = map[netip.Addr]struct{}{addr: {}}
	default:
		a.more[addr] = struct{}{}
	}
}

// Table counts flows by keys.
type Table struct {
	Keys                    []Key
	Others                  Group // flows of the groups beyond MaxGroups
	groups                  map[string]*Group
	addresses               int
	maxGroups, maxAddresses int
	id                      []byte
}

// New returns an empty Table.
func New(keys []Key) *Table {
	return &Table{Keys: keys, groups: map[string]*Group{}, maxGroups: MaxGroups, maxAddresses: MaxAddresses}
}

// Reset empties the table.
func (t *Table) Reset() {
	t.groups, t.addresses, t.Others = map[string]*Group{}, 0, Group{}
}

// Add counts a flow.
func (t *Table) Add(f *Flow) {
	t.add(f, f.Source)
	if slices.Contains(t.Keys, Host) && f.Source != f.Destination {
		t.add(f, f.Destination)
	}
}

// add counts a flow for one of its hosts.
func (t *Table) add(f *Flow, host netip.Addr) {
	t.id = t.id[:0]
	for _, k := range t.Keys {
		t.id = append(f.appendKey(t.id, k, host), 0)
	}
	g := t.groups[string(t.id)]
	if g == nil {
		if len(t.groups) < t.maxGroups {
			g = &Group{}
			if slices.Contains(t.Keys, Service) {
				g.Name = f.Name
			}
			for _, k := range t.Keys {
				g.Keys = append(g.Keys, string(f.appendKey(nil, k, host)))
				g.sortKeys = append(g.sortKeys, f.sortKey(k, host))
			}
			t.groups[string(t.id)] = g
		} else {
			g = &t.Others
		}
	}
	g.Flows++
	g.Packets += f.Packets
	g.Bytes += f.Bytes
	if f.Uncounted {
		g.Uncounted++
	}
	if f.Start != 0 && (g.First == 0 || f.Start < g.First) {
		g.First = f.Start
	}
	g.Last = max(g.Last, f.Last)
	if f.HasPort {
		g.Statuses[f.Status]++
	} else {
		g.NoSide++
	}
	if f.Examined && f.Observed != observe.Unknown {
		if g.Observed == nil {
			g.Observed = map[observe.Protocol]uint64{}
		}
		g.Observed[f.Observed]++
	}
	for _, c := range f.clients() {
		t.note(g, &g.clients, c)
	}
	for _, s := range f.servers() {
		t.note(g, &g.servers, s)
	}
}

// note adds an address to those of a group, if there is room.
func (t *Table) note(g *Group, set *addresses, addr netip.Addr) {
	if !addr.IsValid() || set.has(addr) {
		return
	}
	if t.addresses >= t.maxAddresses {
		g.AtLeast = true
		return
	}
	set.add(addr)
	t.addresses++
}

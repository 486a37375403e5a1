// Package summary counts annotated flows by service, port, host, status and the
// like, in bounded memory.
package summary

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// Limits of the memory of a Table.
const (
	// MaxGroups is the most groups to count separately. Table.Others counts the
	// flows of all other groups together.
	MaxGroups = 1 << 16
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
	Flows, Packets, Bytes uint64   // bytes are those of the IP packets
	First, Last           int64    // of the packets, nanoseconds since the Unix epoch
	Statuses              [iana.NumStatuses]uint64
	NoSide                uint64                      // flows with no service side, which have no status
	Observed              map[observe.Protocol]uint64 // flows by recognised protocol
	AtLeast               bool                        // there may be more clients and servers than were told apart
	clients, servers      map[netip.Addr]struct{}
}

// Clients is how many addresses used a service; see AtLeast.
func (g *Group) Clients() int { return len(g.clients) }

// Servers is how many addresses offered one; see AtLeast.
func (g *Group) Servers() int { return len(g.servers) }

// Table counts flows by keys.
type Table struct {
	Keys                    []Key
	Others                  Group // flows of the groups beyond MaxGroups
	groups                  map[string]*Group
	addresses               int
	maxGroups, maxAddresses int
}

// New returns an empty Table.
func New(keys []Key) *Table {
	return &Table{Keys: keys, groups: map[string]*Group{}, maxGroups: MaxGroups, maxAddresses: MaxAddresses}
}

// Add counts a flow.
func (t *Table) Add(f *flow.Flow, a *annotate.Annotation) {
	src, dst := f.Source.Addr(), f.Destination.Addr()
	t.add(f, a, src)
	if slices.Contains(t.Keys, Host) && src != dst {
		t.add(f, a, dst)
	}
}

// add counts a flow for one of its hosts.
func (t *Table) add(f *flow.Flow, a *annotate.Annotation, host netip.Addr) {
	values := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		values[i] = value(k, f, a, host)
	}
	id := strings.Join(values, "\x00")
	g := t.groups[id]
	if g == nil {
		if len(t.groups) < t.maxGroups {
			g = &Group{Keys: values}
			t.groups[id] = g
		} else {
			g = &t.Others
		}
	}
	g.Flows++
	g.Packets += f.Packets()
	g.Bytes += f.IPBytes()
	if g.Flows == 1 || f.Start() < g.First {
		g.First = f.Start()
	}
	g.Last = max(g.Last, f.Last())
	if e := a.ServiceEntry(); e != nil {
		g.Statuses[e.Status]++
	} else {
		g.NoSide++
	}
	if p := a.Observed.Protocol; a.Observed.Examined && p != observe.Unknown {
		if g.Observed == nil {
			g.Observed = map[observe.Protocol]uint64{}
		}
		g.Observed[p]++
	}
	client, server := ends(f, a)
	t.note(g, &g.clients, client)
	t.note(g, &g.servers, server)
	if a.Service.Side == annotate.Both {
		t.note(g, &g.servers, f.Source.Addr())
		t.note(g, &g.servers, f.Destination.Addr())
	}
}

// note adds an address to those of a group, if there is room.
func (t *Table) note(g *Group, set *map[netip.Addr]struct{}, addr netip.Addr) {
	if _, ok := (*set)[addr]; ok || !addr.IsValid() {
		return
	}
	if t.addresses >= t.maxAddresses {
		g.AtLeast = true
		return
	}
	if *set == nil {
		*set = map[netip.Addr]struct{}{}
	}
	(*set)[addr] = struct{}{}
	t.addresses++
}

// ends gives client and server, invalid where they are not known to differ.
func ends(f *flow.Flow, a *annotate.Annotation) (client, server netip.Addr) {
	switch a.Service.Side {
	case annotate.Source:
		return f.Destination.Addr(), f.Source.Addr()
	case annotate.Destination:
		return f.Source.Addr(), f.Destination.Addr()
	}
	return
}

// value gives the text of a key, "-" if it is not known.
func value(k Key, f *flow.Flow, a *annotate.Annotation, host netip.Addr) string {
	e := a.ServiceEntry()
	switch k {
	case Service:
		if e != nil {
			return strconv.Itoa(int(a.Service.Port)) + "/" + e.Transport.String()
		}
	case Port:
		if e != nil {
			return strconv.Itoa(int(a.Service.Port))
		}
	case Server, Client:
		client, server := ends(f, a)
		if k == Client {
			server = client
		}
		if server.IsValid() {
			return server.String()
		}
	case Host:
		return host.String()
	case Status:
		if e != nil {
			return e.Status.String()
		}
	case Name:
		if e != nil && e.NumNames() > 0 {
			return e.Name()
		}
	case Protocol:
		if a.Observed.Examined && a.Observed.Protocol != observe.Unknown {
			return a.Observed.Protocol.String()
		}
	case Verdict:
		if a.Observed.Examined {
			return a.Observed.Verdict.String()
		}
	}
	return "-"
}

// columns give the numbers that Top orders by.
var columns = map[string]func(*Group) int64{
	"flows":   func(g *Group) int64 { return int64(g.Flows) },
	"packets": func(g *Group) int64 { return int64(g.Packets) },
	"bytes":   func(g *Group) int64 { return int64(g.Bytes) },
	"clients": func(g *Group) int64 { return int64(g.Clients()) },
	"servers": func(g *Group) int64 { return int64(g.Servers()) },
	"start":   func(g *Group) int64 { return -g.First },
	"end":     func(g *Group) int64 { return g.Last },
}

// ColumnNames returns what Top orders by.
func ColumnNames() []string {
	return []string{"flows", "packets", "bytes", "clients", "servers", "start", "end"}
}

// Top returns the first n groups, or all if n is 0, by a column: the greatest
// first, and the earliest start. It returns how many groups there are. The order
// of equal groups is that of their keys. An unknown column orders by flows.
func (t *Table) Top(n int, column string) (top []*Group, all int) {
	of := columns[column]
	if of == nil {
		of = columns["flows"]
	}
	for _, g := range t.groups {
		top = append(top, g)
	}
	slices.SortFunc(top, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(of(b), of(a)), slices.Compare(a.Keys, b.Keys))
	})
	all = len(top)
	if n > 0 && n < all {
		top = top[:n]
	}
	return top, all
}

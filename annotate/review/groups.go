package review

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/share"
)

// FindingGroup counts the findings of one kind and level about one port, listed or not.
type FindingGroup struct {
	Kind      Kind   `json:"kind"`
	Level     Level  `json:"level"`
	Port      uint16 `json:"port"`
	Transport string `json:"transport"`
	Findings  int    `json:"findings"`
	Servers   int    `json:"servers"`
	// Networks are those with the most of the servers: of IPv4 24, of IPv6 64 bits.
	Networks []NameCount `json:"networks"`
	// MoreNetworks is how many networks Networks leaves out.
	MoreNetworks int `json:"more_networks,omitempty"`
}

// mostNetworks is how many networks a group names.
const mostNetworks = 3

// groupOf is what the findings of one kind and level are grouped by.
type groupOf struct {
	protocol uint8
	port     uint16
}

func (x *claim) group() groupOf { return groupOf{x.service.key.Protocol, x.service.key.Port} }

// grouped groups the findings of a kind and level by port, those with the most
// findings first. Findings that are not about services are in no group.
func grouped(l Level, k Kind, list []claim) []FindingGroup {
	type tally struct {
		findings, servers int
		networks          map[netip.Prefix]int
		last              netip.Addr
	}
	tallies := map[groupOf]*tally{}
	for i := range list {
		s := list[i].service
		if s == nil {
			continue
		}
		key := list[i].group()
		t := tallies[key]
		if t == nil {
			t = &tally{networks: map[netip.Prefix]int{}}
			tallies[key] = t
		}
		t.findings++
		if s.key.Server == t.last { // they are in the order of servers
			continue
		}
		t.last = s.key.Server
		t.servers++
		addr := plainAddr(s.key.Server)
		bits := 24
		if addr.Is6() {
			bits = 64
		}
		network, _ := addr.Prefix(bits)
		t.networks[network]++
	}
	groups := make([]FindingGroup, 0, len(tallies))
	for key, t := range tallies {
		g := FindingGroup{Kind: k, Level: l, Port: key.port, Transport: iana.TransportName(key.protocol), Findings: t.findings, Servers: t.servers}
		networks := make([]netip.Prefix, 0, len(t.networks))
		for p := range t.networks {
			networks = append(networks, p)
		}
		slices.SortFunc(networks, func(a, b netip.Prefix) int {
			return cmp.Or(t.networks[b]-t.networks[a], a.Addr().Compare(b.Addr()))
		})
		for _, p := range networks[:min(len(networks), mostNetworks)] {
			g.Networks = append(g.Networks, NameCount{p.String(), t.networks[p]})
		}
		g.MoreNetworks = len(networks) - len(g.Networks)
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b FindingGroup) int {
		return cmp.Or(b.Findings-a.Findings, int(a.Port)-int(b.Port), cmp.Compare(a.Transport, b.Transport))
	})
	return groups
}

// shared keeps so many findings of a kind and level, of each port its share, in order.
func shared(list []claim, most int) []claim {
	sizes := map[groupOf]int{}
	var ports []groupOf
	for i := range list {
		if list[i].service == nil {
			return list[:most]
		}
		key := list[i].group()
		if sizes[key]++; sizes[key] == 1 {
			ports = append(ports, key)
		}
	}
	numbers := make([]int, len(ports))
	for i, key := range ports {
		numbers[i] = sizes[key]
	}
	room := map[groupOf]int{}
	for i, n := range share.Out(numbers, most) {
		room[ports[i]] = n
	}
	kept := make([]claim, 0, most)
	for i := range list {
		if key := list[i].group(); room[key] > 0 {
			room[key]--
			kept = append(kept, list[i])
		}
	}
	return kept
}

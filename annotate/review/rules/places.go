package rules

import (
	"net/netip"
	"slices"
)

// Interface is an interface of the firewall, with what is behind it.
type Interface struct {
	Name string
	// Addrs are the firewall's own addresses at the interface.
	Addrs []netip.Addr
	// Networks are the networks behind the interface, directly or by a router
	// there.
	Networks []netip.Prefix
	// Default is set if everything that is in no network is behind it.
	Default bool
}

// places says where addresses are, as seen by the firewall.
type places struct {
	local      []netip.Prefix // the firewall's own addresses; empty if they are not known
	interfaces []Interface
}

func newPlaces(opt Options) places {
	p := places{local: slices.Clone(opt.Local), interfaces: opt.Interfaces}
	for i := range opt.Interfaces {
		for _, a := range opt.Interfaces[i].Addrs {
			if own := netip.PrefixFrom(a, a.BitLen()); !slices.Contains(p.local, own) {
				p.local = append(p.local, own)
			}
		}
	}
	return p
}

// of finds the interface behind which an address is, and the network there; the
// network is not valid if it is the default. nil if none, or several, are possible.
func (p *places) of(a netip.Addr) (found *Interface, network netip.Prefix) {
	var fallback *Interface
	defaults := 0
	for i := range p.interfaces {
		x := &p.interfaces[i]
		for _, n := range x.Networks {
			if n.Contains(a) && (found == nil || n.Bits() > network.Bits()) {
				found, network = x, n
			}
		}
		if x.Default {
			defaults++
			fallback = x
		}
	}
	if found == nil && defaults == 1 {
		return fallback, netip.Prefix{}
	}
	return found, network
}

// nameOf gives the name of the interface behind which an address is; "" if that is
// not known.
func (p *places) nameOf(a netip.Addr) string {
	if len(p.interfaces) == 0 || a.IsMulticast() || a.IsLoopback() || a == limitedBroadcast {
		return ""
	}
	if x, _ := p.of(a); x != nil {
		return x.Name
	}
	return ""
}

// broadcastOf gives the network whose broadcast address this is.
func (p *places) broadcastOf(a netip.Addr) (n netip.Prefix, ok bool) {
	if !a.Is4() {
		return n, false
	}
	x, n := p.of(a)
	return n, x != nil && n.IsValid() && n.Bits() < 31 && lastAddr(n) == a
}

// way is one way that a packet may take.
type way struct {
	hook    Hook
	in, out string
	// member is set if the packet comes to the firewall only if that is in a
	// multicast group, which is not known.
	member bool
}

// Reasons why the rules are not asked, or not surely.
const (
	inOneNetwork = "client and server are in one network, so what they send does not pass the firewall"
	perhapsHere  = "client and server are in one network, and it is not known whether one of them is the firewall itself: --local or --interfaces says"
	perhapsBack  = "client and server are in one network, and a rule translates destinations to the server or filters what is bridged: it may have passed the firewall"
	onOneSide    = "client and server are behind the same interface: it is not known whether the firewall routes between them"
)

// ways gives the ways that a packet may take. Without one, why says what keeps it
// from the rules, and apart is set if the packet surely does not come to them.
// routed is set for rules that only routed packets come to, turned for rules that
// may bring a packet back to the network that it came from, and moved for rules that
// translate its destination.
func (p *places) ways(f *Flow, routed bool, turned, moved func() bool) (list []way, why string, apart bool) {
	in, out := f.In, f.Out
	if in == "" {
		in = p.nameOf(f.Client)
	}
	if out == "" {
		out = p.nameOf(f.Server)
	}
	hooks := hooksOf(f, p.local, routed)
	if f.Hook == AnyHook && len(p.interfaces) > 0 {
		if n, ok := p.broadcastOf(f.Server); ok {
			switch {
			case within(f.Client, p.local):
				hooks = []Hook{Output}
			case n.Contains(f.Client) && len(p.local) > 0:
				hooks = []Hook{Input}
			case n.Contains(f.Client):
				hooks = []Hook{Input, Output}
			default: // of another network: routers may send it on, or not
				hooks = []Hook{Input, Forward}
			}
		} else if passed := f.In != "" && f.Out != "" && f.In != f.Out; slices.Contains(hooks, Forward) && !f.Server.IsMulticast() && !passed {
			if why, apart = p.oneSide(f, turned, moved); why != "" {
				return nil, why, apart
			}
		}
	}
	list = make([]way, 0, len(hooks))
	for _, h := range hooks {
		w := way{hook: h, in: in, out: out}
		switch h {
		case Input:
			w.out = f.Out
			w.member = f.Server.IsMulticast() && !isAllHosts(f.Server)
		case Output:
			w.in = f.In
		}
		list = append(list, w)
	}
	return list, "", false
}

// oneSide says why a packet that would be routed is not, or may not be: both ends
// are on one side of the firewall.
func (p *places) oneSide(f *Flow, turned, moved func() bool) (why string, apart bool) {
	client, cn := p.of(f.Client)
	server, sn := p.of(f.Server)
	switch {
	case client == nil || client != server:
		return "", false
	case cn != sn && sn.IsValid() && moved(): // the firewall answers for the address
		return "", false
	case cn != sn || !cn.IsValid():
		return onOneSide, false
	case len(p.local) == 0:
		return perhapsHere, false
	case turned():
		return perhapsBack, false
	}
	return inOneNetwork, true
}

// isAllHosts reports a group that every host is in (RFC 1112 section 4, RFC 4291
// section 2.7.1).
func isAllHosts(a netip.Addr) bool {
	switch a.Unmap() {
	case netip.AddrFrom4([4]byte{224, 0, 0, 1}), netip.IPv6LinkLocalAllNodes(), netip.MustParseAddr("ff01::1"):
		return true
	}
	return false
}

// each asks a decider on each of the ways, and joins what it says.
func (p *places) each(f *Flow, routed bool, turned, moved func() bool, ask func(f *Flow, hook Hook) Decision) Decision {
	ways, why, apart := p.ways(f, routed, turned, moved)
	if len(ways) == 0 {
		missing := MissingWay
		if why == perhapsHere {
			missing = MissingEnds
		}
		return Decision{Why: why, Apart: apart, Missing: missing}
	}
	var room [3]hookDecision
	all := room[:0]
	var g Flow
	for _, w := range ways {
		g = *f
		g.In, g.Out = w.in, w.out
		d := ask(&g, w.hook)
		if w.member && d.Verdict == Deny {
			d = Decision{Why: "it is not known whether the firewall is in the multicast group; if it is, " + d.Why + " denies it", Depends: d.rules(), Missing: MissingMembers}
		}
		all = append(all, hookDecision{d, w.hook})
	}
	return agree(all)
}

// rules lists the rule that decides, or those on which it depends.
func (d *Decision) rules() []*Rule {
	if d.Rule != nil {
		return []*Rule{d.Rule}
	}
	return d.Depends
}

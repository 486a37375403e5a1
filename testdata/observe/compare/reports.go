package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/testdata/observe/flows"
)

// wellKnown are the ports whose end is the server where a datagram protocol
// has no handshake and only one end has the port.
var wellKnown = map[observe.Protocol]uint16{observe.DNS: 53, observe.NTP: 123, observe.SNMP: 161, observe.DHCP: 67, observe.DHCPv6: 547,
	observe.QUIC: 443, observe.STUN: 3478, observe.RADIUS: 1812, observe.Kerberos: 88, observe.TFTP: 69, observe.Syslog: 514, observe.LLMNR: 5355,
	observe.MDNS: 5353, observe.SSDP: 1900, observe.NetBIOSName: 137, observe.LDAP: 389}

// opener gives the end that opened the flow, by its handshake or, in
// datagrams, by the other end's port.
func (f *flow) opener() observe.Side {
	if f.Key.Protocol != 17 {
		return f.Opener
	}
	port := wellKnown[f.Ours.Protocol]
	switch {
	case port == 0 || f.Src.Port == f.Dst.Port:
	case f.Src.Port == port:
		return observe.Destination
	case f.Dst.Port == port:
		return observe.Source
	}
	return observe.NoSide
}

// sideTable sets the roles that payloads prove beside the handshakes.
func sideTable(all []*flow) {
	type count struct{ right, wrong, none int }
	counts := map[string]*count{}
	var wrong []*flow
	for _, f := range all {
		opener := f.opener()
		if opener == observe.NoSide || f.Ours.Protocol == observe.Unknown {
			continue
		}
		name := f.Ours.Protocol.String()
		if f.Key.Protocol == 17 {
			name += " (udp)"
		}
		c := counts[name]
		if c == nil {
			c = new(count)
			counts[name] = c
		}
		switch f.Ours.Server {
		case observe.NoSide:
			c.none++
		case opener:
			c.wrong++
			wrong = append(wrong, f)
		default:
			c.right++
		}
	}
	fmt.Println("| protocol | right | wrong | no side |\n|---|---|---|---|")
	for _, p := range slices.Sorted(maps.Keys(counts)) {
		c := counts[p]
		fmt.Printf("| %s | %d | %d | %d |\n", p, c.right, c.wrong, c.none)
	}
	for _, f := range wrong {
		f.print()
	}
}

// verdictOf judges a flow by the names registered for its service port: that of
// the end which the payload shows, or else the handshake, or else the destination.
func verdictOf(f *flows.Flow) (observe.Verdict, uint16) {
	t, ok := map[uint8]iana.Transport{6: iana.TCP, 17: iana.UDP, 33: iana.DCCP, 132: iana.SCTP}[f.Key.Protocol]
	if !ok {
		return observe.NoPayload, 0
	}
	server := f.Ours.Server
	if server == observe.NoSide && f.Opener != observe.NoSide {
		server = observe.Source + observe.Destination - f.Opener
	}
	port := f.Dst.Port
	if f.Ours.Peers && !f.Dst.Addr.IsMulticast() {
		return observe.Undecided, 0
	}
	if server == observe.Source {
		port = f.Src.Port
	}
	v, _ := observe.Judge(f.Ours, iana.Embedded().Lookup(t, port).Names(), f.Key.Protocol == 6 && f.Opener == observe.NoSide)
	return v, port
}

// verdictTable judges all flows, and prints those that contradict.
func verdictTable(all []*flow) {
	counts := map[observe.Verdict]int{}
	withPayload := 0
	var contradict []string
	for _, f := range all {
		if f.Payloads > 0 {
			withPayload++
		}
		v, port := verdictOf(f.Flow)
		counts[v]++
		if v == observe.Contradicts {
			contradict = append(contradict, fmt.Sprintf("%s\t%v\tport %d\t%v: %s\tndpi=%s\ttshark=%s\t%s", f.File, f.Key, port,
				f.Ours.Protocol, f.Ours.Reason, f.ndpi, strings.Join(f.tshark, ":"), f.start()))
		}
	}
	fmt.Printf("%d flows, %d with payload\n", len(all), withPayload)
	for v := range observe.Contradicts + 1 {
		fmt.Printf("%s\t%d\n", v, counts[v])
	}
	for _, c := range contradict {
		fmt.Println(c)
	}
}

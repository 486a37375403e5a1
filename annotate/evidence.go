package annotate

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// Evidence remembers what endpoints did in all the flows of a run. It finds the
// service end of a flow whose own packets do not show it. An endpoint is an
// address and a port of a transport, within its VLAN or tunnel.
//
// An endpoint counts as a service if it accepted a connection. It also counts as one if
// several addresses, using several ports, spoke to it first and it answered them. Eight
// ports are enough even from a single address, because many hosts may stand behind one. If
// both ends of a TCP connection sent data or closed it, the order does not matter, unless
// the peer has a system port. A client's port usually speaks to one peer. A scanner may
// speak to many from one port, but the scanner speaks first, many targets do not answer,
// and its TCP openings show that it is a client. A client does not answer datagrams from
// strangers. If both ends look like services, Evidence names neither.
//
// Memory is bounded: an endpoint's hash selects a set of four places. If all
// four are taken, a new endpoint may replace the one to which the fewest peers
// spoke. The hash is the same in each run, so the same input gives the same
// output. An attacker who chooses addresses that share a set can make Evidence
// forget endpoints, but cannot make it give a wrong answer: the rules about
// ports then decide.
//
// Several goroutines may use an Evidence to annotate flows at once, but not
// during a call of Add or AddAll.
type Evidence struct {
	peers     int
	mask      uint64                  // of the number of a set
	ways      []way                   // of all sets
	places    []*[placesOfChunk]place // of endpoints, in the order in which they came; they never move
	ports     [3][1 << 16 / 64]uint64 // bits of the ports of endpoints that were ever held, by portsOf
	endpoints int                     // that are held: a way in use stays in use
}

// EvidenceOptions configure an Evidence. The zero value is ready to use.
type EvidenceOptions struct {
	// Peers makes an endpoint a service after that many addresses and that many
	// ports spoke to it; 0 is DefaultEvidencePeers, and MaxEvidencePeers is the
	// most. MaxEvidencePeers ports are always enough.
	Peers int
	// Endpoints is the most endpoints to remember; 0 is 1<<18. It is rounded up
	// to a power of two. The table takes 8 bytes for each place, and 88 more
	// once it is used: at most 24 MiB by default.
	Endpoints int
}

// The default and the maximum of EvidenceOptions.Peers. The default was chosen
// by measurement (testdata/sidebench).
const (
	DefaultEvidencePeers = 3
	MaxEvidencePeers     = 8
)

const (
	defaultEndpoints = 1 << 18
	waysOfSet        = 4
	placesOfChunk    = 1 << 10
)

// way is one of a set. It repeats some of the hash, so that most endpoints that
// were never held are told by the set alone.
type way struct {
	tag   uint32
	place uint32 // its number plus one; 0 is a free way
}

// endpoint is the key of a place.
type endpoint struct {
	words   [3]uint64 // the address, then protocol and port
	context *packet.Context
}

func endpointOf(a netip.AddrPort, protocol uint8, context *packet.Context) endpoint {
	b := a.Addr().As16()
	return endpoint{[3]uint64{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]), uint64(protocol)<<16 | uint64(a.Port())}, context}
}

func (e *endpoint) port() uint16    { return uint16(e.words[2]) }
func (e *endpoint) protocol() uint8 { return uint8(e.words[2] >> 16) }

// equal compares contexts by their values: each table has its own pointers.
func (e *endpoint) equal(o *endpoint) bool {
	return e.words == o.words && (e.context == o.context || e.context != nil && o.context != nil && *e.context == *o.context)
}

// hash mixes with odd constants (the fraction of the golden ratio, and of two
// square roots): see Evidence for why they are fixed.
func (e *endpoint) hash() uint64 {
	return fold(fold(e.words[0]^0x9e3779b97f4a7c15, e.words[1]^0x6a09e667f3bcc909), e.words[2]^e.context.Hash()^0xbb67ae8584caa73b)
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// addressMark tells addresses apart. That of IPv4 is exact; two of IPv6 may
// share one, which counts one peer too few.
func addressMark(a netip.Addr) uint32 {
	b := a.As16()
	if a.Unmap().Is4() {
		return binary.BigEndian.Uint32(b[12:])
	}
	return uint32(fold(binary.BigEndian.Uint64(b[:8])^0x3c6ef372fe94f82b, binary.BigEndian.Uint64(b[8:])^0xa54ff53a5f1d36f1))
}

// place is what is remembered of an endpoint.
type place struct {
	endpoint endpoint
	peers    [MaxEvidencePeers]uint32 // marks of addresses that spoke to it, see spoken
	ports    [MaxEvidencePeers]uint16 // their ports
	asked    uint16                   // flows in which a peer did, up to the greatest number
	asking   uint16                   // other flows in which it spoke first itself, likewise
	numPeers uint8
	numPorts uint8
	accepted bool // a connection, which was confirmed
	opened   bool // a connection
}

// NewEvidence returns an empty Evidence.
func NewEvidence(opt EvidenceOptions) *Evidence {
	if opt.Peers <= 0 {
		opt.Peers = DefaultEvidencePeers
	}
	if opt.Endpoints <= 0 {
		opt.Endpoints = defaultEndpoints
	}
	sets := uint64(1)
	for sets*waysOfSet < uint64(opt.Endpoints) {
		sets *= 2
	}
	return &Evidence{peers: min(opt.Peers, MaxEvidencePeers), mask: sets - 1}
}

// Add learns from one flow. A program that prints flows as they end adds each
// flow before it annotates it.
func (e *Evidence) Add(f *flow.Flow) {
	if f.Opening.Server == flow.NoSide {
		e.addUndecided(f)
	} else {
		e.addOpened(f, true)
	}
}

// AddAll learns from all flows of a finished table. It remembers only endpoints
// of flows that need Evidence.
func (e *Evidence) AddAll(res *flow.Results) {
	var f flow.Flow
	for i := range res.Len() {
		if opened, _, _ := res.Peek(i); !opened {
			res.Fill(i, &f)
			e.addUndecided(&f)
		}
	}
	if e.endpoints == 0 {
		return
	}
	for i := range res.Len() {
		if opened, protocol, ports := res.Peek(i); opened && (e.hasPort(protocol, ports[0]) || e.hasPort(protocol, ports[1])) {
			res.Fill(i, &f)
			e.addOpened(&f, false)
		}
	}
}

func (e *Evidence) addUndecided(f *flow.Flow) {
	if notAClient(f.Source.Addr()) || notAClient(f.Destination.Addr()) {
		return // another rule decides, and a group answers nobody
	}
	talked := talked(f)
	if p := e.hold(endpointOf(f.Source, f.Protocol, f.Context)); p != nil {
		switch {
		case !talked:
			p.asking += min(1, ^p.asking)
		case f.Destination.Port() >= systemPorts:
			p.spoken(f.Destination)
		}
	}
	if p := e.hold(endpointOf(f.Destination, f.Protocol, f.Context)); p != nil && (talked || answered(f)) {
		p.spoken(f.Source)
	}
}

// talked reports whether both ends of a TCP connection sent data (PSH) or closed
// it (FIN). Then who spoke first says little of a connection whose opening was
// not seen, and no scan looks like it.
func talked(f *flow.Flow) bool {
	const data = packet.PSH | packet.FIN
	return f.Protocol == packet.TCP && f.Forward.TCPFlags&data != 0 && f.Reverse.TCPFlags&data != 0
}

// spoken notes a peer that spoke to the endpoint.
func (p *place) spoken(peer netip.AddrPort) {
	p.asked += min(1, ^p.asked)
	p.numPeers = note(p.peers[:], p.numPeers, addressMark(peer.Addr()))
	p.numPorts = note(p.ports[:], p.numPorts, peer.Port())
}

// answered reports whether the destination sent more than a refusal, as a
// service does and a host that datagrams are thrown at does not.
func answered(f *flow.Flow) bool {
	if f.Reverse.Packets == 0 {
		return false
	}
	const rst, ack = packet.RST, packet.ACK
	flags := f.Reverse.TCPFlags
	return f.Protocol != packet.TCP || flags&rst == 0 || flags&^(rst|ack) != 0
}

// note adds x to a list of n different values, while there is room.
func note[T comparable](list []T, n uint8, x T) uint8 {
	for _, y := range list[:n] {
		if x == y {
			return n
		}
	}
	if int(n) < len(list) {
		list[n] = x
		n++
	}
	return n
}

// addOpened takes a flow whose opening was seen. Nothing is held for a client.
func (e *Evidence) addOpened(f *flow.Flow, hold bool) {
	client, server := f.Source, f.Destination
	if f.Opening.Server == flow.Source {
		client, server = server, client
	}
	if p := e.find(endpointOf(client, f.Protocol, f.Context)); p != nil {
		p.opened = true
	}
	if !f.Opening.Confirmed || f.State == flow.Refused || f.State == flow.Attempted {
		return
	}
	var p *place
	if k := endpointOf(server, f.Protocol, f.Context); hold {
		p = e.hold(k)
	} else {
		p = e.find(k)
	}
	if p != nil {
		p.accepted = true
	}
}

// hasPort reports whether an endpoint of that protocol and port was ever held.
func (e *Evidence) hasPort(protocol uint8, p uint16) bool {
	return e.ports[portsOf(protocol)][p/64]>>(p%64)&1 != 0
}

// portsOf gives which of Evidence.ports is for a protocol. Where the connections
// are TCP's and what nothing decides is UDP's, as is usual, the bits of one say at
// once that nobody asks for the other.
func portsOf(protocol uint8) int {
	switch protocol {
	case packet.TCP:
		return 0
	case packet.UDP:
		return 1
	}
	return 2
}

// find gives the place of an endpoint, or nil.
func (e *Evidence) find(k endpoint) *place {
	if !e.hasPort(k.protocol(), k.port()) {
		return nil // most endpoints of a scan end here, without a walk through memory
	}
	set, tag := e.set(&k)
	return e.findIn(set, tag, &k)
}

func (e *Evidence) findIn(set []way, tag uint32, k *endpoint) *place {
	for _, w := range set {
		if w.tag == tag && w.place != 0 {
			if p := e.at(w); p.endpoint.equal(k) {
				return p
			}
		}
	}
	return nil
}

// at gives the place of a way that is not free.
func (e *Evidence) at(w way) *place {
	return &e.places[(w.place-1)/placesOfChunk][(w.place-1)%placesOfChunk]
}

// hold is find that makes a place. It gives nil when all are taken by endpoints
// that look more like services than a new one does; they weaken by it, so that
// nothing is held for ever.
func (e *Evidence) hold(k endpoint) *place {
	if e.ways == nil {
		e.ways = make([]way, (e.mask+1)*waysOfSet)
	}
	set, tag := e.set(&k)
	if p := e.findIn(set, tag, &k); p != nil {
		return p
	}
	at := &set[0]
	for i := range set {
		if set[i].place == 0 {
			at = &set[i]
			if e.endpoints%placesOfChunk == 0 {
				e.places = append(e.places, new([placesOfChunk]place))
			}
			e.endpoints++
			at.place = uint32(e.endpoints)
			break
		}
		if e.at(set[i]).weight() < e.at(*at).weight() {
			at = &set[i]
		}
	}
	p := e.at(*at)
	if p.weight() > 1 {
		p.weaken()
		return nil
	}
	*p, at.tag = place{endpoint: k}, tag
	e.ports[portsOf(k.protocol())][k.port()/64] |= 1 << (k.port() % 64)
	return p
}

// set gives the ways of an endpoint, and its tag there.
func (e *Evidence) set(k *endpoint) (set []way, tag uint32) {
	h := k.hash()
	i := (h & e.mask) * waysOfSet
	return e.ways[i : i+waysOfSet], uint32(h >> 32)
}

func (p *place) weight() int {
	w := int(p.numPorts)
	if p.accepted {
		w += MaxEvidencePeers
	}
	return w
}

func (p *place) weaken() {
	if p.accepted {
		p.accepted = false
		return
	}
	p.numPorts--
	p.numPeers = min(p.numPeers, p.numPorts)
}

// isService says whether other flows show an endpoint to be the service.
func (e *Evidence) isService(k endpoint) bool {
	p := e.find(k)
	switch {
	case p == nil:
		return false
	case p.accepted:
		return true
	case p.opened:
		return false
	}
	// A capture that begins in the middle sees many a service speak first, so it
	// may have done so more often than not, within reason.
	many := int(p.numPeers) >= e.peers && int(p.numPorts) >= e.peers || p.numPorts == MaxEvidencePeers
	return many && int(p.asking)/4 <= int(p.asked)
}

// service says which end of a flow is the service by what the others tell.
func (e *Evidence) service(in *Input) (Service, bool) {
	if e.endpoints == 0 || in.NoSourcePort || in.NoDestinationPort {
		return Service{}, false
	}
	src := e.isService(endpointOf(in.Source, in.Protocol, in.Context))
	dst := e.isService(endpointOf(in.Destination, in.Protocol, in.Context))
	if src == dst {
		return Service{}, false
	}
	return in.service(destinationIf(dst), OtherFlows, Likely), true
}

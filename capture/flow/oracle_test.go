package flow

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/capture/packet"
)

// The oracle keeps the packets of every flow in a list under a printed key and
// derives everything at the end. It shares no code with the table but the
// types of the result and the names of the states.

type oracleFlow struct {
	context string
	src     netip.AddrPort
	dst     netip.AddrPort
	sums    []oraclePacket
	aside   []oraclePacket // set aside: see aside
	strays  []oraclePacket // set aside before, for nothing
	icmp    []packet.Summary
	end     EndReason
	past    *oraclePast // of the part before; nil in the first one
	part    int
	iface   string // of the first part
	time    int64  // likewise
	repeat  uint64 // flows before with the same ends and start
}

// oraclePacket is a packet of a flow. stray says that it says nothing of the
// flow's state.
type oraclePacket struct {
	packet.Summary
	stray bool
	bare  bool // its payload is not kept
}

// oraclePast is what is left of the parts before.
type oraclePast struct {
	src, dst netip.AddrPort
	opening  Opening
	both     bool // simultaneous openings
	numbers  [2]*uint32
	over     bool
	iface    string
	part     int
	time     int64
	repeat   uint64
}

type oracle struct {
	opt   Options
	live  map[string]*oracleFlow
	past  map[string]*oraclePast // of flows given up
	flows []*oracleFlow          // in the order in which they began
	out   []string               // flows in the order in which a full table must give them up
	now   int64
}

func oracleKey(s *packet.Summary) string {
	a, b := fmt.Sprint(s.SrcAddr(), " ", s.SrcPort), fmt.Sprint(s.DstAddr(), " ", s.DstPort)
	if a > b {
		a, b = b, a
	}
	return fmt.Sprint(s.Protocol, " ", contextText(s.Context), " ", a, " ", b)
}

func contextText(c *packet.Context) string {
	if c == nil || *c == (packet.Context{}) {
		return "-"
	}
	return fmt.Sprintf("%+v", *c)
}

func (f *oracleFlow) forward(s *packet.Summary) bool {
	return f.src == netip.AddrPortFrom(s.SrcAddr(), s.SrcPort)
}

// direction gives 0 for packets of the source, 1 for those of the destination.
func (f *oracleFlow) direction(s *packet.Summary) int {
	if f.forward(s) {
		return 0
	}
	return 1
}

func (f *oracleFlow) times() (first, last int64) {
	first, last = f.sums[0].Time, f.sums[0].Time
	for _, s := range f.sums {
		first, last = min(first, s.Time), max(last, s.Time)
	}
	return
}

// has reports whether there is a packet in a direction.
func (f *oracleFlow) has(d int) bool {
	return slices.ContainsFunc(f.sums, func(s oraclePacket) bool { return f.direction(&s.Summary) == d })
}

func openingPacket(s *packet.Summary) bool {
	if s.Protocol == packet.TCP {
		return s.Kind == packet.Datagram && s.TCPFlags&(packet.SYN|packet.ACK|packet.RST) == packet.SYN
	}
	return s.Signal&packet.Init != 0
}

func acceptingPacket(s *packet.Summary) bool {
	if s.Protocol == packet.TCP {
		return s.Kind == packet.Datagram && s.TCPFlags&(packet.SYN|packet.ACK|packet.RST) == packet.SYN|packet.ACK
	}
	return s.Signal&packet.InitAck != 0
}

func abortingPacket(s *packet.Summary) bool {
	return s.TCPFlags&packet.RST != 0 || s.Signal&packet.Abort != 0
}

func confirmingPacket(s *packet.Summary) bool {
	if s.Protocol == packet.TCP {
		return s.TCPFlags&(packet.SYN|packet.ACK|packet.RST) == packet.ACK
	}
	return s.Signal&(packet.Data|packet.Confirm) != 0
}

func endingPacket(s *packet.Summary) bool {
	return s.TCPFlags&packet.FIN != 0 && s.TCPFlags&(packet.SYN|packet.RST) == 0 || s.Signal&packet.Shutdown != 0
}

// answersTo reports whether a packet answers an opening.
func answersTo(s *packet.Summary, number, payload uint32) bool {
	if s.Protocol != packet.TCP {
		return s.Ack == number
	}
	return s.TCPFlags&packet.ACK != 0 && s.Ack-number-1 <= payload
}

// connection is what the packets of a flow say of its connection.
type connection struct {
	opening   Opening
	both      bool       // both ends opened
	open      [2]bool    // by the sender
	accepted  [2]bool    // likewise
	numbers   [2]*uint32 // that each end opened with
	payload   uint32     // of the latest opening that had any
	ended     [2]bool
	aborted   bool
	confirmed [2]bool
}

func (c *connection) over() bool { return c.ended[0] && c.ended[1] || c.aborted }

// waiting reports whether the roles are known, or both ends opened, and nothing has
// confirmed it.
func (c *connection) waiting() bool {
	return (c.opening.Server != NoSide || c.both) && !c.opening.Confirmed
}

func (f *oracleFlow) connection() *connection {
	c := new(connection)
	if p := f.past; p != nil {
		c.opening, c.both, c.numbers = p.opening, p.both, p.numbers
		if c.both {
			c.opening, c.both = Opening{}, false // nobody's
		}
		c.opening.Inherited = c.opening.Server != NoSide
	}
	openTo := [2]bool{c.opening.Server == Source && !c.opening.Accept, c.opening.Server == Destination && !c.opening.Accept}
	for i := range f.sums {
		s := &f.sums[i].Summary
		if f.sums[i].stray || s.Kind != packet.Datagram || s.Protocol == packet.UDP {
			continue
		}
		d := f.direction(s)
		server := Destination
		if d == 1 {
			server = Source
		}
		switch {
		case openingPacket(s):
			c.open[d], c.numbers[d] = true, &s.Sequence
			if s.Protocol == packet.TCP && s.PayloadLen > 0 {
				c.payload = s.PayloadLen
			}
			openTo[1-d] = true
			c.opening.Accept = false
			c.opening.Server, c.both = server, false
			if openTo[0] && openTo[1] {
				c.opening.Server, c.both = NoSide, true
			}
		case acceptingPacket(s):
			c.accepted[d] = true
			if !c.open[d] {
				c.numbers[d] = &s.Sequence
			}
			if c.numbers[1-d] == nil {
				n := s.Ack
				if s.Protocol == packet.TCP {
					n--
				}
				c.numbers[1-d] = &n
			}
			if !c.opening.Confirmed {
				c.aborted = false
			}
			if c.opening.Server == NoSide && !c.both {
				c.opening.Server, c.opening.Accept = server.Opposite(), true
			}
		case abortingPacket(s):
			c.aborted = true
		}
		if confirmingPacket(s) && !openingPacket(s) && !acceptingPacket(s) {
			c.confirmed[d] = true
			if c.opening.Server != NoSide || c.both {
				c.opening.Confirmed = true
			}
		}
		if endingPacket(s) {
			c.ended[d] = true
		}
	}
	return c
}

// stray reports whether a packet says nothing of the flow's connection.
func (f *oracleFlow) stray(c *connection, s *packet.Summary) bool {
	if s.Kind != packet.Datagram {
		return false
	}
	d := f.direction(s)
	own, other := c.numbers[d], c.numbers[1-d]
	if acceptingPacket(s) {
		return other != nil && !answersTo(s, *other, c.payload)
	}
	if s.Protocol != packet.TCP || !c.waiting() || c.accepted[0] || c.accepted[1] {
		return false
	}
	switch {
	case c.open[d]:
		return int32(s.Sequence-*own-1) < 0 || abortingPacket(s) && s.Sequence-*own-1 > c.payload
	case c.open[1-d] && !answersTo(s, *other, c.payload):
		if abortingPacket(s) {
			return s.TCPFlags&packet.ACK != 0
		}
		return s.PayloadLen == 0 || s.TCPFlags&packet.ACK == 0 || int32(s.Ack-*other-1) < 0
	}
	return false
}

// opens says what becomes of an opening: whether it begins a flow, and else whether
// it is set aside.
func (f *oracleFlow) opens(c *connection, s *packet.Summary) (begins, waits bool) {
	d := f.direction(s)
	first, _ := f.times()
	switch {
	case c.numbers[d] != nil && *c.numbers[d] == s.Sequence:
		return false, false
	case c.numbers[d] == nil && s.Time < first && f.past == nil:
		return false, false
	case c.over():
		return true, false
	case f.past != nil:
		if !f.has(d) && c.numbers[d] == nil && c.open[1-d] && !c.accepted[1-d] && !c.confirmed[1-d] {
			return false, false
		}
		return false, true
	case !f.has(d) && c.numbers[d] == nil && c.open[1-d] && !c.accepted[1-d] && !c.confirmed[1-d]:
		return false, false // at a time
	case !f.has(d) && c.numbers[d] == nil, !f.has(1 - d):
		return true, false
	}
	return false, true
}

// answersAside says whether a packet shows that what was set aside began a
// connection, or else is set aside, too.
func (f *oracleFlow) answersAside(s *packet.Summary) (answers, waits bool) {
	if len(f.aside) == 0 || s.Kind != packet.Datagram || s.Protocol == packet.UDP {
		return false, false
	}
	opening := &f.aside[0].Summary
	opposite := f.direction(s) != f.direction(opening)
	answer := opposite && answersTo(s, opening.Sequence, opening.PayloadLen)
	switch {
	case answer && abortingPacket(s), answer && acceptingPacket(s) && s.Protocol == packet.TCP:
		return true, false
	case answer && acceptingPacket(s):
		return false, true
	case s.Protocol == packet.SCTP && !opposite && confirmingPacket(s):
		// The latest INIT ACK is what the cookie is of.
		for i := len(f.aside) - 1; i >= 0; i-- {
			if acceptingPacket(&f.aside[i].Summary) {
				return f.aside[i].Sequence == s.Ack, false
			}
		}
	}
	return false, false
}

// leave gives what the next part of a flow keeps.
func (f *oracleFlow) leave() *oraclePast {
	c := f.connection()
	p := &oraclePast{f.src, f.dst, c.opening, c.both, c.numbers, c.over(), f.iface, f.part, f.time, f.repeat}
	if f.part == 1 {
		p.iface = f.sums[0].Interface
		p.time, _ = f.times()
	}
	if f.past != nil {
		p.over = p.over || f.past.over
	}
	return p
}

func (o *oracle) add(s packet.Summary) {
	k := oracleKey(&s)
	f := o.live[k]
	if s.Kind == packet.Quoted {
		if f != nil {
			f.icmp = append(f.icmp, s)
		}
		return
	}
	o.now = max(o.now, s.Time)
	var past *oraclePast
	var before *oraclePast
	var first []oraclePacket
	stray := false
	if f == nil {
		past = o.past[k]
		delete(o.past, k)
	} else {
		begun, last := f.times()
		end := EndNone
		if o.opt.Idle > 0 && s.Time-last > int64(o.opt.Idle) {
			end = EndIdle
		} else if o.opt.Active > 0 && s.Time-begun >= int64(o.opt.Active) {
			end = EndActive
		}
		if end != EndNone {
			past = f.leave()
		} else {
			c := f.connection()
			answers, waits := f.answersAside(&s)
			begins := false
			switch {
			case answers || waits:
			case openingPacket(&s):
				begins, waits = f.opens(c, &s)
			default:
				stray = f.stray(c, &s)
			}
			same := func() bool {
				a := &f.aside[0].Summary
				return !openingPacket(&s) || a.Sequence == s.Sequence && f.forward(a) == f.forward(&s)
			}
			if waits {
				if len(f.aside) > 0 && !same() {
					f.strays, f.aside = append(f.strays, f.aside...), nil
				}
				f.aside = append(f.aside, oraclePacket{s, true, false})
				return
			}
			if begins || answers {
				end, before = EndReopen, f.leave()
				if len(f.aside) > 0 && (answers || same()) {
					first, f.aside = f.aside, nil
				}
			}
		}
		if end != EndNone {
			f.end = end
			delete(o.live, k)
			f = nil
		}
	}
	if openingPacket(&s) {
		past = nil
	}
	if f == nil {
		if len(o.flows)-len(o.out) >= o.opt.MaxFlows {
			o.makeRoom()
		}
		context := contextText(s.Context)
		for o.crowded(context) {
			if len(o.past) > 0 {
				clear(o.past)
				continue
			}
			o.makeRoom()
		}
		f = &oracleFlow{context: context, src: netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), dst: netip.AddrPortFrom(s.DstAddr(), s.DstPort), part: 1}
		if past != nil {
			f.src, f.dst, f.past, f.part, f.time, f.iface, f.repeat = past.src, past.dst, past, past.part+1, past.time, past.iface, past.repeat
		}
		if len(first) > 0 && netip.AddrPortFrom(first[0].SrcAddr(), first[0].SrcPort) != f.src {
			f.src, f.dst = f.dst, f.src
		}
		for _, a := range first {
			a.stray, a.bare = false, true
			f.sums = append(f.sums, a)
		}
		stray = false
		o.live[k] = f
		o.flows = append(o.flows, f)
		if len(first) > 0 {
			slices.SortStableFunc(o.flows, func(a, b *oracleFlow) int { return cmp.Compare(a.sums0(&s), b.sums0(&s)) })
		}
	}
	f.sums = append(f.sums, oraclePacket{s, stray, false})
	if before != nil {
		if start, _ := f.times(); start == before.time {
			f.repeat = before.repeat + 1
		}
	}
}

// sums0 gives the number of the first packet: that of now where there is none yet.
func (f *oracleFlow) sums0(now *packet.Summary) uint64 {
	if len(f.sums) == 0 {
		return now.Number
	}
	return f.sums[0].Number
}

// crowded reports whether a flow of one more context would be one too many.
func (o *oracle) crowded(context string) bool {
	held := map[string]bool{}
	for _, f := range o.flows {
		if f.end != endGiven && f.context != "-" {
			held[f.context] = true
		}
	}
	for k := range o.past {
		if c := strings.SplitAfterN(k, " ", 2)[1]; c[0] != '-' {
			held[c[:strings.Index(c, "}")+1]] = true
		}
	}
	return o.opt.MaxContexts > 0 && context != "-" && !held[context] && len(held) >= o.opt.MaxContexts
}

// makeRoom gives up all finished flows, or the longest idle one.
func (o *oracle) makeRoom() {
	n := len(o.out)
	for _, f := range o.flows {
		if f.end != EndNone && f.end != endGiven {
			o.give(f)
		}
	}
	if len(o.out) > n {
		return
	}
	var best *oracleFlow
	for _, f := range o.flows {
		if f.end != EndNone {
			continue
		}
		if best == nil {
			best = f
			continue
		}
		_, a := f.times()
		_, b := best.times()
		if a < b {
			best = f
		}
	}
	_, last := best.times()
	best.end = EndEvicted
	if o.opt.Idle > 0 && o.now-last > int64(o.opt.Idle) {
		best.end = EndIdle
	}
	for k, f := range o.live {
		if f == best {
			delete(o.live, k)
			o.past[k] = f.leave()
		}
	}
	o.give(best)
}

const endGiven EndReason = 99

func (o *oracle) give(f *oracleFlow) {
	o.out = append(o.out, f.text())
	f.end = endGiven
}

// oracleID works out an identifier by its definition: two folded products, or three
// for IPv6, of the ends in numeric order, the start and the context.
func oracleID(f *oracleFlow, start int64) uint64 {
	product := func(x, y uint64) uint64 {
		z := new(big.Int).Mul(new(big.Int).SetUint64(x), new(big.Int).SetUint64(y))
		low := new(big.Int).And(z, new(big.Int).SetUint64(math.MaxUint64))
		return low.Uint64() ^ new(big.Int).Rsh(z, 64).Uint64()
	}
	a, b := f.src, f.dst
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	s := &f.sums[0].Summary
	h := f.repeat ^ s.Context.Hash() ^ uint64(start) ^ 0x9e3779b97f4a7c15
	x, y := a.Addr().AsSlice(), b.Addr().AsSlice()
	if a.Addr().Is4() {
		word := func(b []byte, port uint16) uint64 { return uint64(binary.BigEndian.Uint32(b))<<16 | uint64(port) }
		h = product(h, word(x, a.Port())|uint64(s.Protocol)<<48^0x6a09e667f3bcc909)
		return product(h^0x9e3779b97f4a7c15, word(y, b.Port())^0x6a09e667f3bcc909)
	}
	word := binary.BigEndian.Uint64
	h = product(h, word(x)^0x6a09e667f3bcc909)
	h = product(h^word(x[8:])^0x9e3779b97f4a7c15, word(y)^0x6a09e667f3bcc909)
	return product(h^word(y[8:])^0x9e3779b97f4a7c15, uint64(a.Port())<<48|uint64(b.Port())<<32|uint64(s.Protocol)<<24^0x6a09e667f3bcc909)
}

func (f *oracleFlow) text() string {
	var c [2]Counters
	var ppids []uint32
	opening := f.connection().opening
	if opening.Server == NoSide {
		opening = Opening{}
	}
	for _, s := range slices.Concat(f.sums, f.aside, f.strays) {
		x := &c[f.direction(&s.Summary)]
		if x.Packets == 0 {
			x.First, x.Last = s.Time, s.Time
		}
		x.First, x.Last = min(x.First, s.Time), max(x.Last, s.Time)
		x.Packets++
		x.IPBytes += uint64(s.IPLen)
		x.FrameBytes += uint64(s.FrameLen)
		if s.Kind == packet.Datagram && s.Protocol == packet.TCP {
			x.TCPFlags |= s.TCPFlags
		}
		ids := []uint32{s.PPID}
		if s.Bundle != nil {
			ids = s.Bundle.PPIDs[:s.Bundle.NumPPIDs]
		}
		for _, id := range ids {
			if s.HasPPID && !slices.Contains(ppids, id) && len(ppids) < MaxPPIDs {
				ppids = append(ppids, id)
			}
		}
	}
	time, iface := f.time, f.iface
	if f.part == 1 {
		iface = f.sums[0].Interface
		time, _ = f.times()
	}
	return line(f.sums[0].Number, f.context, f.src, f.dst, c, f.end, opening, fmt.Sprint(f.part, " ", oracleID(f, time), " ", iface), len(f.icmp), ppids, [2]Payload{f.payload(true), f.payload(false)})
}

// payload gathers what one end sent, oraclePayload bytes of it.
func (f *oracleFlow) payload(forward bool) (p Payload) {
	var expected *uint32
	bad := 0
	var unfit uint32
	for i := range f.sums {
		s := &f.sums[i].Summary
		if f.sums[i].bare || f.forward(s) != forward || s.Kind != packet.Datagram || p.Len == 0 && bad == maxMisfits {
			continue
		}
		if s.Protocol != packet.TCP {
			rtp := len(s.Payload) > 12 && (s.Payload[0] == 0x80 || s.Payload[0] == 0x90 || s.Payload[0] == 0xa0 || s.Payload[0] == 0xb0) &&
				!(s.Payload[1] >= 192 && s.Payload[1] <= 223)
			switch {
			case s.PayloadLen == 0:
			case p.Len == 0:
				p = Payload{Data: s.Payload[:min(len(s.Payload), oraclePayload)], Len: s.PayloadLen}
				if s.Protocol == packet.SCTP {
					p.PPID = s.PPID
				}
				if s.Protocol == packet.SCTP || !rtp && s.PayloadLen > 20 {
					return p
				}
			case !rtp:
				if bad++; bad == maxMisfits {
					return p
				}
			case len(p.Heads) < 36:
				p.Heads = append(p.Heads, s.Payload[:12]...)
			}
			continue
		}
		seq := s.Sequence
		if s.TCPFlags&packet.SYN != 0 {
			seq++
		}
		if s.PayloadLen > 0 && s.TCPFlags&packet.RST == 0 {
			if expected == nil {
				next := seq
				if start := f.sequence(forward, i); start != nil && s.TCPFlags&packet.SYN == 0 {
					next = *start + 1
				}
				expected = &next
			}
			if seq != *expected {
				bad++
				if p.Len == 0 {
					unfit = max(unfit, s.PayloadLen)
				}
				if bad == maxMisfits {
					break
				}
				continue
			}
			p.Data = append(slices.Clone(p.Data), s.Payload...)
			p.Len += s.PayloadLen
			*expected = seq + s.PayloadLen
			if len(s.Payload) < int(s.PayloadLen) || len(p.Data) >= oraclePayload {
				p.Data = p.Data[:min(len(p.Data), oraclePayload)]
				break
			}
		}
	}
	if p.Len == 0 {
		p.Len = unfit
	}
	return p
}

// sequence gives the sequence number that one end opened with, in the packets
// before number n: that of the latest SYN, or else of the latest SYN-ACK.
func (f *oracleFlow) sequence(forward bool, n int) (start *uint32) {
	opened := false
	for i := range f.sums[:n] {
		if f.sums[i].stray {
			continue
		}
		s := &f.sums[i].Summary
		if f.forward(s) != forward || s.Kind != packet.Datagram || s.TCPFlags&(packet.SYN|packet.RST) != packet.SYN {
			continue
		}
		if s.TCPFlags&packet.ACK == 0 {
			opened, start = true, &s.Sequence
		} else if !opened {
			start = &s.Sequence
		}
	}
	return start
}

const oraclePayload = 7

func line(n uint64, context string, a, b netip.AddrPort, c [2]Counters, end EndReason, op Opening, part string, icmp int, ppids []uint32, payload [2]Payload) string {
	return fmt.Sprint(n, " ", context, " ", a, " ", b, " ", c, " ", end, " ", op, " ", part, " ", icmp, " ", ppids, " ", payload)
}

func flowLine(f *Flow) string {
	return line(f.Number, contextText(f.Context), f.Source, f.Destination, [2]Counters{f.Forward, f.Reverse}, f.End, f.Opening, fmt.Sprint(f.Part, " ", f.ID, " ", f.Interface), int(f.ICMP.Count), f.PPIDs, f.Payload)
}

// randomPackets makes packets among few endpoints, so that flows meet, close
// and open again; times mostly go up, sometimes by more than the time-outs,
// and unless ordered sometimes down.
func randomPackets(r *rand.Rand, n, hosts int, ordered bool) []packet.Summary {
	sums := make([]packet.Summary, n)
	contexts := []*packet.Context{nil, {}} // which are one
	for i := range uint32(1 + hosts) {
		c := packet.Context{Depth: 1, Path: [packet.MaxDepth]packet.Tunnel{packet.VXLAN}, ID: [packet.MaxDepth]uint32{i}}
		same := c
		contexts = append(contexts, &c, &same)
	}
	now := int64(1e18)
	flags := []uint8{packet.SYN, packet.SYN, packet.SYN | packet.ACK, packet.ACK, packet.ACK, packet.FIN | packet.ACK, packet.RST, packet.RST | packet.ACK, 0}
	for i := range sums {
		s := &sums[i]
		switch r.Intn(20) {
		case 0:
			now += r.Int63n(int64(20 * time.Second))
		case 1:
			if !ordered {
				now -= r.Int63n(int64(time.Second))
			}
		default:
			now += int64(r.Intn(int(50 * time.Millisecond)))
		}
		*s = packet.Summary{Time: now, Number: uint64(i + 1), IPVersion: 4, FrameLen: 60 + uint32(r.Intn(1400)), IPLen: 46 + uint32(r.Intn(1000))}
		if r.Intn(3) == 0 {
			s.IPVersion = 6
		}
		x, y := byte(r.Intn(hosts)), byte(r.Intn(hosts))
		if s.IPVersion == 6 {
			s.Src[15], s.Dst[15] = x, y
			s.Src[0], s.Dst[0] = 0x20, 0x20
		} else {
			s.Src[3], s.Dst[3] = x, y
		}
		s.SrcPort, s.DstPort = uint16(1+r.Intn(2)), uint16(1+r.Intn(2))
		if r.Intn(3) > 0 {
			s.Interface = fmt.Sprint("eth", r.Intn(200))
		}
		s.Context = contexts[r.Intn(4)]
		if r.Intn(5) == 0 {
			s.Context = contexts[r.Intn(len(contexts))]
		}
		if r.Intn(12) == 0 {
			s.Kind = packet.Fragment
		}
		switch r.Intn(5) {
		case 0:
			s.Protocol = packet.UDP
		case 1:
			s.Protocol = packet.SCTP
			if s.Kind == packet.Datagram {
				s.Signal = packet.Signal(1) << r.Intn(6)
				s.Sequence = uint32(r.Intn(3))
				s.Ack = uint32(r.Intn(3))
				if s.Signal&packet.Data != 0 {
					s.HasPPID, s.PPID = true, uint32(r.Intn(12))
				}
				if s.HasPPID && r.Intn(3) == 0 {
					s.Bundle = new(packet.Bundle)
					for range 1 + r.Intn(9) {
						s.Bundle.Add(s.PPID + uint32(r.Intn(10)))
					}
				}
			}
		default:
			s.Protocol = packet.TCP
			if s.Kind == packet.Datagram {
				s.TCPFlags = flags[r.Intn(len(flags))]
				s.Sequence, s.Ack = uint32(r.Intn(3)), uint32(r.Intn(4))
				if s.TCPFlags&packet.SYN == 0 {
					s.Sequence = uint32(r.Intn(8))
				}
			}
		}
		if s.Kind == packet.Datagram && r.Intn(3) > 0 {
			// Short ones, so that one often follows another by chance.
			s.PayloadLen = uint32(r.Intn(4))
			if r.Intn(4) == 0 {
				s.PayloadLen = uint32(r.Intn(60))
			}
			s.Payload = make([]byte, s.PayloadLen)
			r.Read(s.Payload)
			if len(s.Payload) > 0 && r.Intn(2) == 0 {
				s.Payload[0] = 0x80
			}
			if r.Intn(10) == 0 {
				s.Payload = s.Payload[:r.Intn(len(s.Payload)+1)]
			}
		}
		if s.Kind == packet.Datagram && r.Intn(20) == 0 {
			s.Kind, s.TCPFlags, s.Signal, s.HasPPID = packet.Quoted, 0, 0, false
			s.Payload, s.PayloadLen = nil, 0
			s.ICMPType, s.ICMPCode = 3, uint8(r.Intn(5))
		}
	}
	return sums
}

func TestTableEqualsOracle(t *testing.T) {
	seeds := int64(60)
	if testing.Short() {
		seeds = 12
	}
	for seed := range seeds {
		r := rand.New(rand.NewSource(seed))
		opt := Options{Idle: time.Duration(r.Intn(4)) * 3 * time.Second, MaxFlows: 1 << 20, Payload: oraclePayload}
		if r.Intn(3) == 0 {
			opt.Active = 8 * time.Second
		}
		hosts := 2 + r.Intn(12)
		if r.Intn(2) == 0 {
			opt.MaxFlows = 5 + r.Intn(40)
		}
		if opt.MaxFlows < 100 && r.Intn(2) == 0 {
			opt.MaxFlows, opt.MaxContexts = 50, 1+r.Intn(3)
		}
		sums := randomPackets(r, 3000, hosts, opt.MaxFlows < 100)

		o := &oracle{opt: opt, live: map[string]*oracleFlow{}, past: map[string]*oraclePast{}, now: minTime}
		for _, s := range sums {
			o.add(s)
		}
		want := o.out
		for _, f := range o.flows {
			if f.end == EndNone {
				f.end = EndInput
			}
			if f.end != endGiven {
				want = append(want, f.text())
			}
		}

		var got []string
		opt.Emit = func(f *Flow) { got = append(got, flowLine(f)) }
		tb := NewTable(opt)
		for rest := sums; len(rest) > 0; {
			n := min(len(rest), 1+r.Intn(200))
			tb.Add(rest[:n])
			rest = rest[n:]
			if tb.Len() > opt.MaxFlows {
				t.Fatalf("seed %d: the table holds %d flows, more than %d", seed, tb.Len(), opt.MaxFlows)
			}
		}
		res := tb.Results()
		var f Flow
		for i := range res.Len() {
			res.Fill(i, &f)
			got = append(got, flowLine(&f))
		}
		if len(got) != len(want) {
			t.Errorf("seed %d: %d flows, want %d", seed, len(got), len(want))
		}
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("seed %d (%+v), flow %d:\n got %s\nwant %s", seed, opt, i, got[i], want[i])
			}
		}
		if st := tb.Stats(); st.Flows != uint64(len(got)) || opt.MaxFlows < 100 && st.Evicted == 0 || opt.MaxContexts > 0 && st.Crowded == 0 {
			t.Errorf("seed %d: stats %+v for %d flows", seed, st, len(got))
		}
	}
}

func TestPromptGivesTheSameFlows(t *testing.T) {
	sums := randomPackets(rand.New(rand.NewSource(5)), 5000, 8, false)
	run := func(prompt bool) []string {
		var got []string
		tb := NewTable(Options{Idle: 2 * time.Second, Prompt: prompt, Payload: 100, Emit: func(f *Flow) { got = append(got, flowLine(f)) }})
		tb.Add(sums)
		res := tb.Results()
		var f Flow
		for i := range res.Len() {
			res.Fill(i, &f)
			got = append(got, flowLine(&f))
		}
		slices.Sort(got)
		return got
	}
	if a, b := run(false), run(true); !slices.Equal(a, b) {
		t.Errorf("prompt: %d flows, held back: %d", len(b), len(a))
	}
}

func TestRejectedByICMP(t *testing.T) {
	for _, c := range []struct {
		version, typ, code uint8
		want               State
	}{
		{4, 3, 3, Rejected}, {4, 3, 13, Rejected}, {4, 3, 4, OneWay}, {4, 11, 0, Rejected},
		{6, 1, 4, Rejected}, {6, 2, 0, OneWay}, {6, 4, 1, Rejected},
	} {
		tb := NewTable(Options{})
		s := packet.Summary{Number: 1, IPVersion: c.version, Protocol: packet.UDP, SrcPort: 40000, DstPort: 53}
		s.Src[0], s.Dst[0] = 32, 33
		q := s
		q.Number, q.Kind, q.ICMPType, q.ICMPCode = 2, packet.Quoted, c.typ, c.code
		tb.Add([]packet.Summary{s, q})
		other := q
		other.DstPort = 54
		tb.Add([]packet.Summary{other})
		res := tb.Results()
		var f Flow
		res.Fill(0, &f)
		if f.State != c.want || !f.ICMP.Seen || f.ICMP.Type != c.typ || f.ICMP.Code != c.code || f.Packets() != 1 {
			t.Errorf("IPv%d ICMP %d/%d: %v %+v, want %v", c.version, c.typ, c.code, f.State, f.ICMP, c.want)
		}
		if st := tb.Stats(); res.Len() != 1 || st.Quoted != 1 || st.QuotedOthers != 1 || st.Packets != 1 {
			t.Errorf("IPv%d ICMP %d/%d: %d flows, %+v", c.version, c.typ, c.code, res.Len(), st)
		}
	}
}

// The examples of the Community ID specification's own test vectors.
func TestCommunityID(t *testing.T) {
	for _, c := range []struct {
		protocol uint8
		a, b     string
		want     string
	}{
		{packet.TCP, "128.232.110.120:34855", "66.35.250.204:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{packet.UDP, "192.168.1.52:54585", "8.8.8.8:53", "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
		{packet.SCTP, "192.168.170.8:7", "192.168.170.56:80", "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
		{packet.TCP, "[2001:470:e5bf:dead:4957:2174:e82c:4887]:63943", "[2607:f8b0:400c:c03::1a]:25", "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	} {
		a, b := netip.MustParseAddrPort(c.a), netip.MustParseAddrPort(c.b)
		for range 2 {
			if got := string(AppendCommunityID(nil, c.protocol, a, b)); got != c.want || len(got) != CommunityIDLen {
				t.Errorf("%d %v %v: %s, want %s", c.protocol, a, b, got, c.want)
			}
			a, b = b, a
		}
	}
}

func TestUpdateDoesNotAllocate(t *testing.T) {
	sums := randomPackets(rand.New(rand.NewSource(1)), 64, 4, false)
	for i := range sums {
		sums[i].HasPPID, sums[i].Kind, sums[i].TCPFlags = false, packet.Datagram, packet.ACK
		sums[i].Signal = 0
	}
	for _, payload := range []int{0, 512} {
		tb := NewTable(Options{Payload: payload})
		tb.Add(sums)
		if n := testing.AllocsPerRun(100, func() { tb.Add(sums) }); n != 0 {
			t.Errorf("updating existing flows, payload %d: %v allocations", payload, n)
		}
		res := tb.Results()
		var f Flow
		if n := testing.AllocsPerRun(100, func() { res.Fill(0, &f) }); n != 0 {
			t.Errorf("reading a flow, payload %d: %v allocations", payload, n)
		}
	}
}

func TestStringsOfTheEnums(t *testing.T) {
	var all []string
	for s := StateUnknown; s <= numStates; s++ {
		all = append(all, s.String())
	}
	for e := EndNone; e <= numEndReasons; e++ {
		all = append(all, e.String())
	}
	want := "unknown attempted half-open refused rejected established closed reset midstream one-way state(10)  input idle-timeout active-timeout closed reopened evicted counter-full end(8)"
	if got := strings.Join(all, " "); got != want {
		t.Errorf("got %q", got)
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, version := range []uint8{4, 6} {
		for _, flows := range []int{1000, 200_000, 2_000_000} {
			b.Run(fmt.Sprintf("IPv%d/flows=%d", version, flows), func(b *testing.B) {
				r := rand.New(rand.NewSource(1))
				order := make([]uint32, 1<<18)
				for i := range order {
					order[i] = uint32(r.Intn(2 * flows))
				}
				var batch [batchSize]packet.Summary
				for i := range batch {
					batch[i] = packet.Summary{IPVersion: version, Protocol: packet.TCP, TCPFlags: packet.ACK, FrameLen: 100, IPLen: 86}
				}
				tb := NewTable(Options{})
				for x := range flows { // each flow is there before the clock runs
					tb.Add([]packet.Summary{{IPVersion: version, Protocol: packet.TCP, SrcPort: 40000, DstPort: 443,
						Src: [16]byte{10, byte(x >> 16), byte(x >> 8), byte(x)}, Dst: [16]byte{11}}})
				}
				at := 0
				b.ResetTimer()
				for i := 0; i < b.N; i += batchSize {
					for j := range batch {
						x, s := order[at+j], &batch[j]
						s.Src, s.Dst, s.SrcPort, s.DstPort = [16]byte{10, byte(x >> 17), byte(x >> 9), byte(x >> 1)}, [16]byte{11}, 40000, 443
						if x&1 == 0 {
							s.Src, s.Dst, s.SrcPort, s.DstPort = s.Dst, s.Src, 443, 40000
						}
					}
					tb.Add(batch[:])
					at = (at + batchSize) % len(order)
				}
			})
		}
	}
}

// TestLargeSums: what does not fit an entry's 32 bits goes to its extra, and both
// count; a forged length may be longer than the frame that carries it.
func TestLargeSums(t *testing.T) {
	for _, version := range []uint8{4, 6} {
		tb := NewTable(Options{})
		var ip, frames [2]uint64
		for i := range 40 {
			s := packet.Summary{Number: uint64(i + 1), IPVersion: version, Protocol: packet.UDP, SrcPort: 1, DstPort: 2, IPLen: 3 << 30, FrameLen: 100}
			s.Src[0], s.Dst[0] = 1, 2
			switch i % 4 {
			case 1:
				s.Src, s.Dst, s.SrcPort, s.DstPort, s.IPLen, s.FrameLen = s.Dst, s.Src, 2, 1, 1<<32-1, 1<<32-1
			case 2:
				s.IPLen, s.FrameLen = 28, 4<<30-1
			}
			ip[i%4&1] += uint64(s.IPLen) * uint64(1-i%4/3)
			frames[i%4&1] += uint64(s.FrameLen) * uint64(1-i%4/3)
			if i%4 < 3 {
				tb.Add([]packet.Summary{s})
			}
		}
		res := tb.Results()
		var f Flow
		res.Fill(0, &f)
		if f.Forward.IPBytes != ip[0] || f.Reverse.IPBytes != ip[1] || f.Forward.FrameBytes != frames[0] || f.Reverse.FrameBytes != frames[1] {
			t.Errorf("IPv%d: %+v %+v, want %v and %v", version, f.Forward, f.Reverse, ip, frames)
		}
	}
}

func TestTrackIsAdd(t *testing.T) {
	sums := randomPackets(rand.New(rand.NewSource(9)), 4000, 6, false)
	run := func(track bool) (got []string) {
		tb := NewTable(Options{Idle: 2 * time.Second, MaxFlows: 30, Payload: 20, Emit: func(f *Flow) { got = append(got, flowLine(f)) }})
		var f Flow
		for i := range sums {
			if !track {
				tb.Add(sums[i : i+1])
				continue
			}
			s := &sums[i]
			r, ok := tb.Track(s)
			if !ok && s.Kind != packet.Quoted {
				t.Fatalf("packet %d: not tracked", i)
			}
			if !ok {
				continue
			}
			tb.Peek(r, &f)
			a, b := netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), netip.AddrPortFrom(s.DstAddr(), s.DstPort)
			if !(f.Source == a && f.Destination == b || f.Source == b && f.Destination == a) || f.Protocol != s.Protocol || f.Number > s.Number {
				t.Fatalf("packet %d: tracked to %+v", i, f)
			}
		}
		res := tb.Results()
		for i := range res.Len() {
			res.Fill(i, &f)
			got = append(got, flowLine(&f))
		}
		return got
	}
	if !slices.Equal(run(true), run(false)) {
		t.Error("Track and Add give different flows")
	}
}

func TestExpire(t *testing.T) {
	const sec = int64(time.Second)
	tcp := func(n uint64, at int64, port uint16, flags uint8, back bool) packet.Summary {
		s := packet.Summary{Number: n, Time: at, IPVersion: 4, Protocol: packet.TCP, TCPFlags: flags, SrcPort: port, DstPort: 80, Src: [16]byte{10}, Dst: [16]byte{11}}
		if back {
			s.SrcPort, s.DstPort, s.Src, s.Dst = s.DstPort, s.SrcPort, s.Dst, s.Src
		}
		return s
	}
	answer := func(s packet.Summary) packet.Summary { s.Ack = s.Sequence + 1; return s }
	var got []string
	tb := NewTable(Options{Idle: 60 * time.Second, Active: 100 * time.Second, Linger: 5 * time.Second, Prompt: true,
		Emit: func(f *Flow) { got = append(got, fmt.Sprint(f.Source.Port(), " ", f.End)) }})
	tb.Add([]packet.Summary{
		tcp(1, 0, 1001, packet.SYN, false), answer(tcp(2, 0, 1001, packet.RST|packet.ACK, true)), // refused
		tcp(3, 0, 1002, packet.FIN|packet.ACK, false), tcp(4, 0, 1002, packet.FIN|packet.ACK, true), // closed
		tcp(5, 0, 1003, packet.FIN|packet.ACK, false), // half closed
		tcp(6, 0, 1004, packet.ACK, false),
	})
	step := func(now int64, want ...string) {
		t.Helper()
		got = nil
		tb.Expire(now)
		if !slices.Equal(got, want) {
			t.Errorf("at %d s: %q, want %q", now/sec, got, want)
		}
	}
	step(5 * sec)
	step(6*sec, "1001 closed", "1002 closed")
	tb.Add([]packet.Summary{tcp(7, 50*sec, 1004, packet.ACK, false)})
	step(61*sec, "1003 idle-timeout")
	step(99 * sec)
	step(100*sec, "1004 active-timeout")
	step(1000 * sec)
	if tb.Len() != 0 {
		t.Errorf("%d flows are left", tb.Len())
	}
}

package observe

import "math/bits"

// tooLittle is how many bytes of a cut payload are too few to say that it is
// nothing known: the longest fixed header checked has about as many.
const tooLittle = 64

// Reasons for which nothing is recognised.
const (
	reasonNothing   = "no payload was seen"
	reasonCut       = "the capture holds too little of the payload"
	reasonNone      = "no known protocol begins like this"
	reasonAmbiguous = "several protocols may begin like this"
	reasonDisagree  = "the two ends begin like different protocols"
)

// Recognise returns what the payload of in looks like.
//
// For each end it finds the first full match in the order of the table or, if
// there is none, all likely ones. If one end has a full match, that is the
// protocol, unless the other end has a full match of another protocol: then
// none is named. Without a full match, there are two cases. If exactly one
// protocol is likely for both ends, it counts as full. If only one end has
// likely protocols, and just one, that one is likely.
func Recognise(in *Input) Observation {
	t := transportIndex(in.Transport)
	seen := in.prepare(t)
	if seen == Nothing || t < 0 {
		return Observation{Seen: seen, Reason: unknownReason(seen)}
	}
	var found [2]candidates
	for i := range found {
		if len(in.m[i].b) > 0 {
			found[i].collect(&in.m[i], t)
		}
	}
	return in.combine(&found, seen)
}

// prepare fills the messages, and says how much there is.
func (in *Input) prepare(t int) Seen {
	seen := Nothing
	for i := range in.Sent {
		p, m := &in.Sent[i], &in.m[i]
		b := p.Data
		if len(b) > MaxBytes {
			b = b[:MaxBytes]
		}
		*m = message{b: b, n: max(p.Len, len(p.Data)), stream: t == 0, udp: t == 1, ppid: p.PPID, peer: &in.m[1-i], heads: p.Heads}
		if i == 0 && in.Group.IsValid() {
			m.group = groupOf(in.Group)
		}
		if m.n == 0 {
			continue
		}
		if m.cut() && len(b) < tooLittle {
			seen = max(seen, Cut)
		} else {
			seen = Enough
		}
	}
	return seen
}

func unknownReason(s Seen) string {
	switch s {
	case Nothing:
		return reasonNothing
	case Cut:
		return reasonCut
	}
	return reasonNone
}

// candidates are the protocols that one end's bytes may be.
type candidates struct {
	n   int // valid ones of all; only the first is used after a full match
	all [4]match
}

// collect tries the recognisers for m in their order.
func (c *candidates) collect(m *message, t int) {
	mask := dispatch[t][m.b[0]]
	if len(m.b) >= wordBytes {
		x, y, z := &follow[0][m.b[1]], &follow[1][m.b[2]], &follow[2][m.b[3]]
		for w := range mask {
			mask[w] &= x[w] & y[w] & z[w]
		}
	}
	for w := range maskWords {
		for rest := mask[w]; rest != 0; rest &= rest - 1 {
			r := &table[w*64+bits.TrailingZeros64(rest)]
			if len(m.b) < r.min {
				continue
			}
			if c.add(r.find(m)) {
				return
			}
		}
	}
	if len(m.heads) > 0 && c.find(STUN) == nil { // which opens the way for RTP, and says so itself
		c.add(rtpSequence(m))
	}
}

// add keeps a match, and reports whether it settles the question.
func (c *candidates) add(found match) bool {
	switch found.strength {
	case Full:
		c.all[0], c.n = found, 1
		return true
	case Likely:
		for i := range c.n {
			if c.all[i].protocol == found.protocol {
				return false
			}
		}
		if c.n < len(c.all) {
			c.all[c.n] = found
			c.n++
		}
	}
	return false
}

// full reports whether there is a full match.
func (c *candidates) full() bool { return c.n == 1 && c.all[0].strength == Full }

// find gives the match of protocol p, or nil.
func (c *candidates) find(p Protocol) *match {
	for i := range c.n {
		if c.all[i].protocol == p {
			return &c.all[i]
		}
	}
	return nil
}

// combine makes one observation of what the two ends' bytes may be.
func (in *Input) combine(found *[2]candidates, seen Seen) Observation {
	a, b := &found[0], &found[1]
	var x, y *match // of one protocol, what a and b hold of it
	strength := Full
	switch {
	case a.full() && b.full():
		x, y = &a.all[0], &b.all[0]
		if x.protocol != y.protocol {
			return Observation{Seen: seen, Reason: reasonDisagree}
		}
	case a.full():
		x = &a.all[0]
		y = b.find(x.protocol)
	case b.full():
		y = &b.all[0]
		x = a.find(y.protocol)
	case a.n == 0 && b.n == 0:
		return Observation{Seen: seen, Reason: unknownReason(seen)}
	case a.n == 1 && b.n == 0:
		x, strength = &a.all[0], Likely
	case a.n == 0 && b.n == 1:
		y, strength = &b.all[0], Likely
	default:
		for i := range a.n {
			other := b.find(a.all[i].protocol)
			if other == nil {
				continue
			}
			if x != nil {
				return Observation{Seen: seen, Reason: reasonAmbiguous}
			}
			x, y = &a.all[i], other
		}
		if x == nil {
			return Observation{Seen: seen, Reason: reasonAmbiguous}
		}
	}
	o := Observation{Strength: strength, Seen: seen}
	o.take(x, Source)
	o.take(y, Destination)
	if x != nil && y != nil {
		o.reconcile(x, y)
	}
	return o
}

// take enters what end found, which may be nothing. The reason is that of the
// stronger match, or of the client's where they are equal.
func (o *Observation) take(found *match, end Side) {
	if found == nil {
		return
	}
	if o.Reason == "" || found.sender.isClient() || found.strength == Full && o.Strength != Full {
		o.Reason = found.reason
	}
	o.Protocol = found.protocol
	o.Upgrade = o.Upgrade || found.upgrade
	if found.sender == peers {
		o.Peers = true
	}
	if side, strength := found.service(end); strength > o.ServerStrength {
		o.Server, o.ServerStrength = side, strength
	}
	// What the client asked for says more than what the server calls itself.
	if found.name.len > 0 && (o.Name.From == NoSide || found.sender.isClient()) {
		o.Name = Text{uint16(found.name.off), uint16(found.name.len), end}
	}
	if found.alpn.len > 0 && (o.ALPN.From == NoSide || found.sender == server || found.sender == onlyServer) {
		o.ALPN = Text{uint16(found.alpn.off), uint16(found.alpn.len), end}
	}
	if found.uuid.len > 0 && o.UUID.From == NoSide {
		o.UUID = Text{uint16(found.uuid.off), uint16(found.uuid.len), end}
	}
}

// service says which end the service is if end sent the message, and how much
// that means. It means no more than the match itself.
func (f *match) service(end Side) (Side, Strength) {
	strength := Likely
	if f.sender >= onlyClient {
		strength = f.strength
	}
	switch f.sender {
	case client, onlyClient:
		return Source + Destination - end, strength
	case server, onlyServer:
		return end, strength
	}
	return NoSide, None
}

// reconcile weighs what both ends say. Of two clients neither is the server; two
// that agree mean as much as the match of both.
func (o *Observation) reconcile(source, destination *match) {
	a, s := source.service(Source)
	b, t := destination.service(Destination)
	switch {
	case a != b && s == t:
		o.Server, o.ServerStrength = NoSide, None
	case a == b && a != NoSide && source.sender >= onlyClient && destination.sender >= onlyClient:
		o.ServerStrength = o.Strength
	}
}

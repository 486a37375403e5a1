package flow

import "github.com/portannot/portannot/capture/packet"

// An address and a port of each end are used for one connection after another. What
// tells their packets apart is the number that each opening chooses, the TCP initial
// sequence number or the SCTP initiate tag, and that the answer repeats. An opening
// with another number than the last one begins a new connection if that is closed or
// was never answered. Else it may be forged, and a live end answers it with no more
// than an acknowledgment of what it knows (RFC 9293 section 3.10.7.4), or, in SCTP,
// with an INIT ACK that binds it to nothing (RFC 9260 section 5.2.2). So it is set
// aside until an answer shows that there is a new connection.

// aside is an opening that may be of a new connection, with its repetitions and, of
// SCTP, its answer. As long as nothing is known its packets count to the flow under
// way, but not to its state, nor to how long it was idle.
type aside struct {
	tally
	sequence uint32 // of the opening
	tag      uint32 // of SCTP's INIT ACK
	payload  uint32 // bytes in the opening, which the answer may acknowledge
	dir      uint8  // of the opening
	answered bool   // tag is valid
	iface    uint16 // number of the first packet's interface
	number   uint64 // of the first packet
	order    uint64
}

// tally counts packets by their canonical direction.
type tally struct {
	packets  [2]uint32
	ipBytes  [2]uint64
	overhead [2]int64 // as in entry
	first    [2]int64 // valid where packets is not 0, as are the next two
	last     [2]int64
	flags    [2]uint8
}

// some reports whether anything was set aside.
func (a *aside) some() bool { return a.packets[a.dir&1] != 0 }

func (a *tally) add(dir uint8, s *packet.Summary) {
	dir &= 1
	a.addAll(dir, &tally{
		packets:  [2]uint32{1, 1},
		ipBytes:  [2]uint64{uint64(s.IPLen), uint64(s.IPLen)},
		overhead: [2]int64{int64(s.FrameLen) - int64(s.IPLen), int64(s.FrameLen) - int64(s.IPLen)},
		first:    [2]int64{s.Time, s.Time},
		last:     [2]int64{s.Time, s.Time},
		flags:    [2]uint8{s.TCPFlags, s.TCPFlags},
	})
}

// addAll adds what another tally has of a direction.
func (a *tally) addAll(d uint8, b *tally) {
	if b.packets[d] == 0 {
		return
	}
	if a.packets[d] == 0 {
		a.first[d], a.last[d] = b.first[d], b.last[d]
	}
	a.packets[d] += min(b.packets[d], ^a.packets[d])
	a.ipBytes[d] += b.ipBytes[d]
	a.overhead[d] += b.overhead[d]
	a.first[d], a.last[d] = min(a.first[d], b.first[d]), max(a.last[d], b.last[d])
	a.flags[d] |= b.flags[d]
}

// addTo adds a direction to the counters of a flow.
func (a *tally) addTo(c *Counters, d uint8) {
	d &= 1
	if a.packets[d] == 0 {
		return
	}
	if c.Packets == 0 {
		c.First, c.Last = a.first[d], a.last[d]
	}
	c.Packets += uint64(a.packets[d])
	c.IPBytes += a.ipBytes[d]
	c.FrameBytes += uint64(int64(a.ipBytes[d]) + a.overhead[d])
	c.First, c.Last = min(c.First, a.first[d]), max(c.Last, a.last[d])
	c.TCPFlags |= a.flags[d]
}

// begunBy reports whether an opening repeats the one that was set aside.
func (a *aside) begunBy(s *packet.Summary, dir uint8) bool {
	return a.some() && a.sequence == s.Sequence && a.dir == dir
}

// fate is what becomes of a packet on a flow that is under way.
type fate uint8

const (
	belongs fate = iota // it counts to the flow
	waits               // it is set aside
	begins              // it begins a new connection
	answers             // it shows that what was set aside did
)

// judge says what becomes of a packet that opens, accepts, confirms, ends or aborts
// a connection, and which of these events count.
func judge[K comparable](t *Table, tb *table[K], i uint32, dir uint8, s *packet.Summary, ev event) (fate, event) {
	e, r := tb.at(i), tb.restOf(i)
	dir &= 1
	var x *extra
	if r.extra != 0 {
		x = &t.extras[r.extra-1]
		if x.aside.some() {
			if f := x.aside.judge(dir, s, ev); f != belongs {
				return f, 0
			}
		}
	}
	if ev&evOpen != 0 {
		return e.judgeOpening(r, x, dir, s), ev
	}
	return belongs, e.sift(r, x, dir, s, ev)
}

// judge says whether a packet belongs to what was set aside.
func (a *aside) judge(dir uint8, s *packet.Summary, ev event) fate {
	switch {
	case dir == a.dir && ev&evOpen != 0 && s.Sequence == a.sequence:
		return belongs // judgeOpening decides: the flow may have ended since
	case dir != a.dir && ev&evAbort != 0 && acknowledges(s, a.sequence, a.payload):
		return answers
	case dir != a.dir && ev&evAccept != 0 && acknowledges(s, a.sequence, a.payload):
		if s.Protocol == packet.SCTP {
			return waits
		}
		return answers
	case s.Protocol == packet.SCTP && dir == a.dir && a.answered && ev&evConfirm != 0 && s.Ack == a.tag:
		return answers // a cookie, which only who got the INIT ACK can return
	}
	return belongs
}

// acknowledges reports whether a packet is an answer to the opening of that number
// and that many bytes of payload.
func acknowledges(s *packet.Summary, number, payload uint32) bool {
	if s.Protocol == packet.TCP {
		return s.TCPFlags&packet.ACK != 0 && s.Ack-(number+1) <= payload
	}
	return s.Ack == number
}

// judgeOpening says what becomes of an opening.
func (e *entry[K]) judgeOpening(r *rest, x *extra, dir uint8, s *packet.Summary) fate {
	known := e.events[dir]&evKnown != 0
	continued := x != nil && x.part != 0
	switch {
	case known && s.Sequence == r.sequence[dir]:
		return belongs // a repetition
	case !known && s.Time < r.earliest() && !continued:
		return belongs // the flow's own, stored behind what followed it
	case e.over():
		return begins
	case e.packets[dir] == 0 && e.events[dir^1]&(evOpen|evAccept|evConfirm) == evOpen && !known:
		return belongs // both ends open at a time
	case e.packets[dir] == 0 && !known && !continued, e.packets[dir^1] == 0 && !continued:
		return begins // the flow was never answered
	}
	return waits
}

// over reports whether the connection was ended by both ends, or aborted.
func (e *entry[K]) over() bool {
	return e.events[0]&e.events[1]&evEnd != 0 || (e.events[0]|e.events[1])&evAbort != 0
}

// sift takes off the events that are not of the flow's connection: what answers
// another opening than its own, and, until the other end has accepted, what the
// numbers show to be left over from the connection before.
func (e *entry[K]) sift(r *rest, x *extra, dir uint8, s *packet.Summary, ev event) event {
	number, payload := r.sequence[dir^1], uint32(0)
	if x != nil {
		payload = x.opening
	}
	if ev&evAccept != 0 && e.events[dir^1]&evKnown != 0 && !acknowledges(s, number, payload) {
		ev &^= evAccept
	}
	if s.Protocol != packet.TCP || e.opening&openWaiting == 0 || (e.events[0]|e.events[1])&evAccept != 0 {
		return ev
	}
	const left = evConfirm | evEnd | evAbort
	if e.events[dir]&evOpen != 0 { // of the end that opened
		ahead := s.Sequence - (r.sequence[dir] + 1)
		if int32(ahead) < 0 || ev&evAbort != 0 && ahead > x.openingPayload() {
			ev &^= left
		}
	} else if e.events[dir^1]&evOpen != 0 && !acknowledges(s, number, payload) {
		// A challenge (RFC 5961 section 4) carries no payload. What does may
		// follow an acceptance that was not captured. A reset without ACK
		// acknowledges nothing, and may be of a firewall.
		data := s.PayloadLen > 0 && s.TCPFlags&packet.ACK != 0 && int32(s.Ack-(number+1)) >= 0
		if ev&evAbort != 0 && s.TCPFlags&packet.ACK != 0 || ev&evAbort == 0 && !data {
			ev &^= left
		}
	}
	return ev
}

// openingPayload gives how many bytes the opening carried.
func (x *extra) openingPayload() uint32 {
	if x == nil {
		return 0
	}
	return x.opening
}

// setAside sets a packet of entry i aside.
func setAside[K comparable](t *Table, tb *table[K], i uint32, dir uint8, s *packet.Summary, ev event, order uint64) {
	x := t.extraOf(&tb.restOf(i).extra)
	tb.at(i).marks |= markAside
	a := &x.aside
	switch {
	case ev&evOpen == 0:
		a.tag, a.answered = s.Sequence, true
	case !a.some() || a.sequence != s.Sequence || a.dir != dir:
		if a.some() {
			x.strays.addAll(0, &a.tally)
			x.strays.addAll(1, &a.tally)
		}
		*a = aside{sequence: s.Sequence, payload: s.PayloadLen, dir: dir, number: s.Number, order: order}
		if s.Interface != "" {
			a.iface = t.interfaces.number(s.Interface)
		}
	}
	a.add(dir, s)
}

// takeAside takes from entry i what was set aside.
func (t *Table) takeAside(at uint32) (a aside) {
	if at != 0 {
		x := &t.extras[at-1]
		a, x.aside = x.aside, a
	}
	return a
}

// unfold lets a new entry begin with what was set aside.
func unfold[K comparable](t *Table, tb *table[K], i uint32, a *aside) {
	e, r := tb.at(i), tb.restOf(i)
	r.number, r.order, e.dir0 = a.number, a.order, a.dir
	tb.mixed = true // the order is that of a packet before
	d := a.dir & 1
	r.sequence[d] = a.sequence
	e.note(d, 0, evOpen|evKnown)
	if a.answered {
		r.sequence[d^1] = a.tag
		e.note(d^1, 0, evAccept|evKnown)
	}
	x := t.extraOf(&r.extra)
	x.opening = a.payload
	for d := range a.packets {
		if a.packets[d] == 0 {
			continue
		}
		r.first[d], e.last[d] = a.first[d], a.last[d]
		e.packets[d], e.flags[d] = a.packets[d], e.flags[d]|a.flags[d]
		x.ipBytes[d], x.overhead[d] = a.ipBytes[d], a.overhead[d]
	}
}

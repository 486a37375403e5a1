package flow

import "github.com/portannot/portannot/capture/packet"

// event holds, for one direction, the connection messages seen. TCP, SCTP and
// DCCP map to the same few: an opening, its acceptance, a sign that the
// acceptance arrived (an acknowledgement or data), an orderly end, an abort.
type event uint8

const (
	evOpen event = 1 << iota
	evAccept
	evConfirm
	evEnd
	evAbort
	evKnown // none of them: rest.sequence of that direction is valid
)

// tcpEvents maps the flags FIN, SYN, RST and ACK, bits 0, 1, 2 and 4 of the
// byte 13 of the header, to an event. A table, for it is asked once a packet.
var tcpEvents = func() (t [32]event) {
	for f := range t {
		var e event
		switch {
		case f&packet.RST != 0:
			e = evAbort
		case f&packet.SYN != 0 && f&packet.ACK != 0:
			e = evAccept
		case f&packet.SYN != 0:
			e = evOpen
		default:
			if f&packet.ACK != 0 {
				e |= evConfirm
			}
			if f&packet.FIN != 0 {
				e |= evEnd
			}
		}
		t[f] = e
	}
	return t
}()

// signalEvents does the same for SCTP and DCCP. One SCTP packet may bundle a
// COOKIE ECHO with DATA; INIT, INIT ACK and SHUTDOWN COMPLETE travel alone
// (RFC 9260 section 6.10).
var signalEvents = func() (t [64]event) {
	for i := range t {
		s, e := packet.Signal(i), event(0)
		if s&packet.Init != 0 {
			e |= evOpen
		}
		if s&packet.InitAck != 0 {
			e |= evAccept
		}
		if s&(packet.Data|packet.Confirm) != 0 {
			e |= evConfirm
		}
		if s&packet.Shutdown != 0 {
			e |= evEnd
		}
		if s&packet.Abort != 0 {
			e |= evAbort
		}
		t[i] = e
	}
	return t
}()

// eventsOf asks both tables, rather than for the transport, which nobody can
// predict: flags and signals that a transport has not are zero, and mean nothing.
func eventsOf(s *packet.Summary) event {
	return tcpEvents[s.TCPFlags&31] | signalEvents[s.Signal&63]
}

// opening is what an entry remembers of roles, in its canonical directions.
type opening uint8

const (
	openServerA  opening = 1 << iota // end 0 of the key is the server
	openServerB                      // end 1 is; both bits: simultaneous openings, no server
	openByAccept                     // known from the acceptance alone
	openConfirmed
	openInherited
	openWaiting // there is a server, and nothing has confirmed the connection
	numOpenings = 2 * openWaiting
)

// server gives the bit of the end that direction dir is sent to.
func serverOfOpen(dir uint8) opening { return openServerB >> dir }

// learn notes what an event in direction dir says of the roles.
func (o opening) learn(dir uint8, e event) opening {
	return learned[o%numOpenings][dir&1][e&(evOpen|evAccept|evConfirm)]
}

// learned is a table of after, for it is asked once a packet.
var learned = func() (t [numOpenings][2][8]opening) {
	for o := range t {
		for dir := range t[o] {
			for e := range t[o][dir] {
				t[o][dir][e] = opening(o).after(uint8(dir), event(e))
			}
		}
	}
	return t
}()

// after is learn, worked out.
func (o opening) after(dir uint8, e event) opening {
	if e&evOpen != 0 {
		if o&openByAccept != 0 && o&(openServerA|openServerB) != serverOfOpen(dir) {
			o &^= openServerA | openServerB // an opening outranks a contradicting acceptance
		}
		o = o&^openByAccept | serverOfOpen(dir)
	}
	if e&evAccept != 0 && o&(openServerA|openServerB) == 0 {
		o |= openByAccept | serverOfOpen(dir^1)
	}
	if e&evConfirm != 0 && o&(openServerA|openServerB) != 0 {
		o |= openConfirmed
	}
	o &^= openWaiting
	if o&(openServerA|openServerB) != 0 && o&openConfirmed == 0 {
		o |= openWaiting
	}
	return o
}

// reject reports whether an ICMP error of this type and code means that the
// datagram was not delivered for good: not "fragmentation needed" (ICMP 3/4,
// RFC 792) nor "packet too big" (ICMPv6 2, RFC 4443), which path MTU discovery
// lives on.
func reject(version, typ, code uint8) bool {
	if version == 4 {
		return typ == 3 && code != 4 || typ == 11 || typ == 12
	}
	return typ == 1 || typ == 3 || typ == 4
}

// stateOf derives the state from what was seen. ev is by direction, with
// direction 0 that of the first packet; packets likewise.
func stateOf(protocol uint8, ev [2]event, packets [2]uint64, rejected, inherited bool) State {
	both := packets[0] > 0 && packets[1] > 0
	if protocol == packet.UDP || protocol == packet.UDPLite {
		switch {
		case both:
			return Established
		case rejected:
			return Rejected
		}
		return OneWay
	}
	all := ev[0] | ev[1]
	ended := ev[0]&ev[1]&evEnd != 0
	if protocol == packet.DCCP {
		// The orderly end is a Close that a Reset answers (RFC 4340 section 8.3).
		ended = ended || ev[0]&evEnd != 0 && ev[1]&evAbort != 0 || ev[1]&evEnd != 0 && ev[0]&evAbort != 0
	}
	opened := all&(evOpen|evAccept) != 0
	switch {
	case ended:
		return Closed
	case !opened && all&evAbort != 0:
		return Reset
	case !opened && rejected && !both:
		return Rejected
	case !opened && inherited:
		return Established
	case !opened && both:
		return Midstream
	case !opened:
		return OneWay
	case all&evConfirm != 0 && all&evAbort != 0:
		return Reset
	case all&evConfirm != 0:
		return Established
	case all&evAccept != 0 && all&evAbort != 0:
		return Reset
	case all&evAccept != 0:
		return HalfOpen
	case all&evAbort != 0 && both:
		return Refused
	case rejected && !both:
		return Rejected
	}
	return Attempted
}

package annotate

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// Note appends a short encoding of what a flow's payload looks like. It serves
// as flow.Options.Note, and Observe reads the result.
func (o *Observer) Note(dst []byte, f *flow.Flow) []byte { return appendNote(dst, o.Observe(f)) }

// A note is an Observed without a verdict, as bytes; numbers are little-endian:
//
//	0   protocol
//	1   strength, in the upper half Seen
//	2   server side, in bits 2 and 3 what it means, in bit 6 whether the ends are
//	    peers, in bit 7 whether there was an upgrade
//	3   number of the reason
//	5   Name: offset, length, side
//	10  ALPN: likewise
//	15  UUID: likewise
//	20  the bytes of the name, of the ALPN, and of the interface
const noteHead = 20

func appendNote(dst []byte, o *Observed) []byte {
	server := byte(o.Server) | byte(o.ServerStrength)<<2
	if o.Peers {
		server |= 0x40
	}
	if o.Upgrade {
		server |= 0x80
	}
	dst = append(dst, byte(o.Protocol), byte(o.Strength)|byte(o.Seen)<<4, server)
	dst = binary.LittleEndian.AppendUint16(dst, numberOfReason(o.Reason))
	for _, t := range [...]observe.Text{o.Name, o.Observation.ALPN, o.UUID} {
		dst = binary.LittleEndian.AppendUint16(dst, t.Off)
		dst = append(binary.LittleEndian.AppendUint16(dst, t.Len), byte(t.From))
	}
	dst = append(append(dst, o.ServerName...), o.ALPN...)
	if o.UUID.From != observe.NoSide {
		dst = append(dst, o.Interface[:]...)
	}
	return dst
}

// observedOf reads a note that appendNote made.
func observedOf(note []byte) Observed {
	o := Observed{Examined: true, Observation: observe.Observation{
		Protocol: observe.Protocol(note[0]), Strength: observe.Strength(note[1] & 15), Seen: observe.Seen(note[1] >> 4),
		Server: observe.Side(note[2] & 3), ServerStrength: observe.Strength(note[2] >> 2 & 3), Peers: note[2]&0x40 != 0, Upgrade: note[2]&0x80 != 0,
		Reason: (*reasons.Load())[binary.LittleEndian.Uint16(note[3:])],
		Name:   textOfNote(note[5:]), ALPN: textOfNote(note[10:]), UUID: textOfNote(note[15:]),
	}}
	rest := note[noteHead:]
	take := func(t observe.Text) (b []byte) {
		if t.From != observe.NoSide {
			b, rest = rest[:t.Len:t.Len], rest[t.Len:]
		}
		return b
	}
	o.ServerName, o.ALPN = take(o.Name), take(o.Observation.ALPN)
	copy(o.Interface[:], take(o.UUID))
	return o
}

func textOfNote(b []byte) observe.Text {
	return observe.Text{Off: binary.LittleEndian.Uint16(b), Len: binary.LittleEndian.Uint16(b[2:]), From: observe.Side(b[4])}
}

// reasons are those that notes have: a few of the fixed set that there is. A longer
// list takes the place of a list that is being read.
var reasons atomic.Pointer[[]string]

func numberOfReason(reason string) uint16 {
	for {
		var list []string
		now := reasons.Load()
		if now != nil {
			list = *now
		}
		if n := slices.Index(list, reason); n >= 0 {
			return uint16(n)
		}
		longer := append(slices.Clip(list), reason)
		reasons.CompareAndSwap(now, &longer)
	}
}

package annotate

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// Look makes a note of what a flow's payload looks like, as flow.Options.Look
// wants it; Observe reads it.
func (o *Observer) Look(dst []byte, f *flow.Flow) []byte { return appendNote(dst, o.Observe(f)) }

// A note is an Observed without a verdict, as octets; numbers are little-endian:
//
//	0   protocol
//	1   strength, in the upper half Seen
//	2   server side, in bit 7 whether there was an upgrade
//	3   number of the reason
//	5   Name: offset, length, side
//	10  ALPN: likewise
//	15  the octets of the name, then of the ALPN
const noteHead = 15

func appendNote(dst []byte, o *Observed) []byte {
	server := byte(o.Server)
	if o.Upgrade {
		server |= 0x80
	}
	dst = append(dst, byte(o.Protocol), byte(o.Strength)|byte(o.Seen)<<4, server)
	dst = binary.LittleEndian.AppendUint16(dst, numberOfReason(o.Reason))
	for _, t := range [...]observe.Text{o.Name, o.Observation.ALPN} {
		dst = binary.LittleEndian.AppendUint16(dst, t.Off)
		dst = append(binary.LittleEndian.AppendUint16(dst, t.Len), byte(t.From))
	}
	return append(append(dst, o.ServerName...), o.ALPN...)
}

// observedOf reads a note that appendNote made.
func observedOf(note []byte) Observed {
	o := Observed{Looked: true, Observation: observe.Observation{
		Protocol: observe.Protocol(note[0]), Strength: observe.Strength(note[1] & 15), Seen: observe.Seen(note[1] >> 4),
		Server: observe.Side(note[2] & 0x7f), Upgrade: note[2]&0x80 != 0,
		Reason: (*reasons.Load())[binary.LittleEndian.Uint16(note[3:])],
		Name:   textOfNote(note[5:]), ALPN: textOfNote(note[10:]),
	}}
	rest := note[noteHead:]
	if o.Name.From != observe.NoSide {
		n := int(o.Name.Len)
		o.ServerName, rest = rest[:n:n], rest[n:]
	}
	if o.Observation.ALPN.From != observe.NoSide {
		o.ALPN = rest
	}
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

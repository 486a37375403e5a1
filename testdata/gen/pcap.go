package main

import (
	"encoding/binary"
	"time"
)

// magic numbers of the classic capture file.
const (
	magicMicro = 0xa1b2c3d4
	magicNano  = 0xa1b23c4d
)

const snapLength = 262144

// pcap writes a classic capture file (draft-ietf-opsawg-pcap) in the given
// byte order, with time stamps in microseconds, or nanoseconds when nano.
func (r *recording) pcap(order binary.AppendByteOrder, nano bool) []byte {
	magic, unit := uint32(magicMicro), time.Microsecond
	if nano {
		magic, unit = magicNano, time.Nanosecond
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	for _, v := range []uint32{0, 0, snapLength, uint32(r.link)} {
		b = order.AppendUint32(b, v)
	}
	for _, f := range r.frames {
		b = order.AppendUint32(b, uint32(f.at.Unix()))
		b = order.AppendUint32(b, uint32(time.Duration(f.at.Nanosecond())/unit))
		b = order.AppendUint32(b, uint32(len(f.data)))
		b = order.AppendUint32(b, uint32(f.wire))
		b = append(b, f.data...)
	}
	return b
}

// file writes the form that most captures have: little-endian microseconds.
func (r *recording) file() []byte { return r.pcap(binary.LittleEndian, false) }

package netflow

import (
	"encoding/binary"
	"net/netip"
)

// An encoder of messages, written against the RFCs and not against the code
// under test.

var be = binary.BigEndian

func u16(n int) []byte    { return be.AppendUint16(nil, uint16(n)) }
func u32(n uint32) []byte { return be.AppendUint32(nil, n) }
func u64(n uint64) []byte { return be.AppendUint64(nil, n) }

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// field is one of a template; pen 0 for none.
type field struct {
	id, length int
	pen        uint32
}

func (f field) encode() []byte {
	if f.pen != 0 {
		return join(u16(f.id|0x8000), u16(f.length), u32(f.pen))
	}
	return join(u16(f.id), u16(f.length))
}

func encodeFields(fields []field) []byte {
	var b []byte
	for _, f := range fields {
		b = append(b, f.encode()...)
	}
	return b
}

// set makes a set with its header, padded to 4 bytes where pad is true.
func set(id int, pad bool, parts ...[]byte) []byte {
	body := join(parts...)
	for pad && len(body)%4 != 0 {
		body = append(body, 0)
	}
	return join(u16(id), u16(len(body)+4), body)
}

func templateRecord(id int, fields ...field) []byte {
	return join(u16(id), u16(len(fields)), encodeFields(fields))
}

// optionsV9 is an options template of version 9, optionsIPFIX one of IPFIX.
func optionsV9(id int, scopes, options []field) []byte {
	return join(u16(id), u16(4*len(scopes)), u16(4*len(options)), encodeFields(scopes), encodeFields(options))
}

func optionsIPFIX(id int, scopes, options []field) []byte {
	return join(u16(id), u16(len(scopes)+len(options)), u16(len(scopes)), encodeFields(scopes), encodeFields(options))
}

const (
	testExport = 1789376400 // 2026-09-14T09:00:00Z
	testUptime = 100_000    // milliseconds
)

func messageV9(seq, domain uint32, count int, sets ...[]byte) []byte {
	return join(u16(9), u16(count), u32(testUptime), u32(testExport), u32(seq), u32(domain), join(sets...))
}

func messageIPFIX(seq, domain uint32, sets ...[]byte) []byte {
	body := join(sets...)
	return join(u16(10), u16(16+len(body)), u32(testExport), u32(seq), u32(domain), body)
}

// recordV5 is a version 5 record.
func recordV5(src, dst string, sport, dport int, protocol, flags byte, packets, bytes, first, last uint32) []byte {
	return join(addr(src), addr(dst), addr("0.0.0.0"), u16(1), u16(2), u32(packets), u32(bytes), u32(first), u32(last),
		u16(sport), u16(dport), []byte{0, flags, protocol, 0}, u16(0), u16(0), []byte{24, 24, 0, 0})
}

func messageV5(seq uint32, sampling int, records ...[]byte) []byte {
	return join(u16(5), u16(len(records)), u32(testUptime), u32(testExport), u32(500_000_000), u32(seq), []byte{1, 2}, u16(sampling), join(records...))
}

func addr(s string) []byte { return netip.MustParseAddr(s).AsSlice() }

// variable is the value of a field of variable length.
func variable(b []byte, long bool) []byte {
	if long || len(b) >= 255 {
		return join([]byte{255}, u16(len(b)), b)
	}
	return join([]byte{byte(len(b))}, b)
}

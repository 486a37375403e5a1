package ascii

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// byteText are the numbers of one byte, each with a dot behind it.
var byteText = func() (t [256]struct {
	text [4]byte
	n    uint8 // bytes of text in use
}) {
	for i := range t {
		t[i].n = uint8(copy(t[i].text[:], append(AppendUint(nil, uint64(i)), '.')))
	}
	return t
}()

// AppendAddr appends an address as netip.Addr.AppendTo does, for IPv6 as RFC 5952
// section 4 has it, in half the time: a line has two.
func AppendAddr(dst []byte, a netip.Addr) []byte {
	if a.Is4() {
		return appendIPv4(dst, a.As4())
	}
	if a.Is4In6() || a.Zone() != "" || !a.IsValid() {
		return a.AppendTo(dst)
	}
	return appendIPv6(dst, a.As16())
}

// AppendAddrPort appends an address and a port as netip.AddrPort.AppendTo does.
func AppendAddrPort(dst []byte, a netip.AddrPort) []byte {
	if a.Addr().Is4() {
		dst = append(appendIPv4(dst, a.Addr().As4()), ':')
	} else {
		dst = append(AppendAddr(append(dst, '['), a.Addr()), ']', ':')
	}
	return AppendUint(dst, uint64(a.Port()))
}

func appendIPv4(dst []byte, a [4]byte) []byte {
	dst = slices.Grow(dst, 16)
	b := dst[len(dst) : len(dst)+16]
	n := 0
	for _, x := range a {
		t := &byteText[x]
		*(*[4]byte)(b[n:]) = t.text
		n += int(t.n)
	}
	return dst[:len(dst)+n-1]
}

func appendIPv6(dst []byte, a [16]byte) []byte {
	const hex = "0123456789abcdef"
	from, to := longestZeros(&a)
	for i := 0; i < 16; i += 2 {
		if i == from {
			dst = append(dst, ':', ':')
			if i = to; i == 16 {
				break
			}
		} else if i > 0 {
			dst = append(dst, ':')
		}
		x := binary.BigEndian.Uint16(a[i:])
		switch {
		case x >= 0x1000:
			dst = append(dst, hex[x>>12], hex[x>>8&15], hex[x>>4&15], hex[x&15])
		case x >= 0x100:
			dst = append(dst, hex[x>>8], hex[x>>4&15], hex[x&15])
		case x >= 0x10:
			dst = append(dst, hex[x>>4], hex[x&15])
		default:
			dst = append(dst, hex[x])
		}
	}
	return dst
}

// longestZeros gives the bytes that "::" stands for: the longest run of zero
// groups, the first of several, of two groups at least. It is empty, and nowhere,
// where there is none.
func longestZeros(a *[16]byte) (from, to int) {
	from, to = -1, -1
	for i := 0; i < 16; i += 2 {
		j := i
		for j < 16 && a[j]|a[j+1] == 0 {
			j += 2
		}
		if j-i >= 4 && j-i > to-from {
			from, to = i, j
		}
		i = j // where the group is not zero
	}
	return from, to
}

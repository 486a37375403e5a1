package observe

import "slices"

// industrySamples are those of the recognisers in table_industry.go.
var industrySamples = slices.Concat(sqlSamples, storeSamples, messagingSamples, vpnSamples, mobileSamples, overlaySamples,
	signallingSamples, plantSamples, exportSamples, serviceSamples)

// l24 and vecl32 are as l16 and vec16.
func l24(n int) string { return cat(l16(n&0xffff), n>>16) }

// l64 and u64 give a number that fits 32 bits in eight bytes.
func l64(n int) string { return cat(l32(n), l32(0)) }
func u64(n int) string { return cat(u32(0), u32(n)) }

func vec32(parts ...any) string { s := cat(parts...); return cat(u32(len(s)), s) }

// utf16 gives ASCII text in UTF-16, little-endian.
func utf16(s string) string {
	var out string
	for _, c := range []byte(s) {
		out += cat(int(c), 0)
	}
	return out
}

// innerV4 and innerV6 are small packets for tunnels to carry.
var (
	innerV4       = cat(0x45, 0, u16(28), filler(2), u16(0), 64, 17, u16(0), filler(8), filler(8))
	innerV6       = cat(0x60, u24(0), u16(8), 17, 64, filler(32), filler(8))
	innerFrame    = cat(filler(12), u16(0x0800), innerV4)
	innerARP      = cat(filler(12), u16(0x8100), u16(7), u16(0x0806), u16(1), u16(0x0800), 6, 4, u16(1), filler(20))
	innerUnknown  = cat(filler(12), u16(0x88b5), filler(40))
	innerSpanning = cat(filler(12), u16(38), 0x42, 0x42, 3, filler(35), zeros(8))
)

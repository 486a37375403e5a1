package flowlog

import "golang.org/x/sys/cpu"

// hasAVX2 says that markAVX2 runs here. BMI1 and POPCNT are older than AVX2.
var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasPOPCNT

// markAVX2 is markWords with a vector instruction for 32 bytes. words is not
// 0.
//
//go:noescape
func markAVX2(m *marks, data *byte, words int, sep uint8)

// mark marks data, the length of which is a multiple of 64.
func (m *marks) mark(data []byte, sep byte) {
	switch {
	case len(data) == 0:
	case hasAVX2:
		markAVX2(m, &data[0], len(data)/64, sep)
	default:
		m.markWords(data, sep)
	}
}

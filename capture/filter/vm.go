package filter

import (
	"encoding/binary"

	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// The machine that runs a program over packets in memory.
//
// golang.org/x/net/bpf has one too, but it cannot do what a capture file needs:
// its "length" is the number of captured bytes, while the language means the
// length on the wire ("less 100" on a file cut to 68 bytes); it refuses
// programs that use the VLAN extensions or negation; and it wraps an index the
// other way than libpcap. So programs are built and assembled with that
// package's types, and run here, with the semantics of libpcap's bpf_filter:
// all arithmetic is of 32 bits without sign, and a load outside the captured
// bytes or a division by zero ends the program with 0.

// op is one instruction, decoded: 12 bytes, so that a program of 20 stays in
// four cache lines.
type op struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

func decode(raw []bpf.RawInstruction) []op {
	ops := make([]op, len(raw))
	for i, r := range raw {
		ops[i] = op{code: r.Op, jt: r.Jt, jf: r.Jf, k: r.K}
	}
	return ops
}

// The instruction codes that this package makes (the low 8 bits of
// struct sock_filter.code: class, size or operation, mode or source).
const (
	opLdImm   = 0x00
	opLdxImm  = 0x01
	opSt      = 0x02
	opStx     = 0x03
	opAddK    = 0x04
	opJa      = 0x05
	opRetK    = 0x06
	opTax     = 0x07
	opAddX    = 0x0c
	opSubK    = 0x14
	opJeqK    = 0x15
	opSubX    = 0x1c
	opJeqX    = 0x1d
	opLdAbsW  = 0x20
	opMulK    = 0x24
	opJgtK    = 0x25
	opLdAbsH  = 0x28
	opMulX    = 0x2c
	opJgtX    = 0x2d
	opLdAbsB  = 0x30
	opDivK    = 0x34
	opJgeK    = 0x35
	opDivX    = 0x3c
	opJgeX    = 0x3d
	opLdIndW  = 0x40
	opOrK     = 0x44
	opJsetK   = 0x45
	opLdIndH  = 0x48
	opOrX     = 0x4c
	opJsetX   = 0x4d
	opLdIndB  = 0x50
	opAndK    = 0x54
	opAndX    = 0x5c
	opLdMem   = 0x60
	opLdxMem  = 0x61
	opLshK    = 0x64
	opLshX    = 0x6c
	opRshK    = 0x74
	opRshX    = 0x7c
	opLdLen   = 0x80
	opNeg     = 0x84
	opTxa     = 0x87
	opModK    = 0x94
	opModX    = 0x9c
	opXorK    = 0xa4
	opXorX    = 0xac
	opLdxMsh  = 0xb1
	extBase   = 0xfffff000 // SKF_AD_OFF, as unsigned: loads from here are extensions
	extVLAN   = extBase + uint32(bpf.ExtVLANTag)
	extVLANOn = extBase + uint32(bpf.ExtVLANTagPresent)
)

// execute runs prog over a packet and gives what it returns. It trusts prog to
// be one of assemble's: jumps stay inside and the last instruction returns.
func execute(prog []op, pkt *capture.Packet) uint32 {
	var (
		a, x uint32
		mem  [16]uint32
		data = pkt.Data
		n    = uint32(len(data))
	)
	if uint64(len(data)) > 1<<31 { // no such packet; keeps the sums below inside 32 bits
		return 0
	}
	for pc := 0; pc < len(prog); pc++ {
		ins := &prog[pc]
		k := ins.k
		switch ins.code {
		case opLdAbsB:
			if k >= n {
				return 0
			}
			a = uint32(data[k])
		case opLdAbsH:
			if k >= n || n-k < 2 {
				return 0
			}
			a = uint32(binary.BigEndian.Uint16(data[k:]))
		case opLdAbsW:
			if k >= extBase {
				var ok bool
				if a, ok = extension(k, pkt); !ok {
					return 0
				}
				break
			}
			if k >= n || n-k < 4 {
				return 0
			}
			a = binary.BigEndian.Uint32(data[k:])
		case opLdIndB:
			if k >= n || x >= n-k {
				return 0
			}
			a = uint32(data[k+x])
		case opLdIndH:
			if k >= n || x >= n-k || n-k-x < 2 {
				return 0
			}
			a = uint32(binary.BigEndian.Uint16(data[k+x:]))
		case opLdIndW:
			if k >= n || x >= n-k || n-k-x < 4 {
				return 0
			}
			a = binary.BigEndian.Uint32(data[k+x:])
		case opLdxMsh:
			if k >= n {
				return 0
			}
			x = uint32(data[k]&0xf) << 2
		case opLdLen:
			a = max(pkt.Length, n)
		case opLdImm:
			a = k
		case opLdxImm:
			x = k
		case opLdMem:
			a = mem[k&15]
		case opLdxMem:
			x = mem[k&15]
		case opSt:
			mem[k&15] = a
		case opStx:
			mem[k&15] = x
		case opTax:
			x = a
		case opTxa:
			a = x
		case opAddK:
			a += k
		case opAddX:
			a += x
		case opSubK:
			a -= k
		case opSubX:
			a -= x
		case opMulK:
			a *= k
		case opMulX:
			a *= x
		case opDivK:
			if k == 0 {
				return 0
			}
			a /= k
		case opDivX:
			if x == 0 {
				return 0
			}
			a /= x
		case opModK:
			if k == 0 {
				return 0
			}
			a %= k
		case opModX:
			if x == 0 {
				return 0
			}
			a %= x
		case opAndK:
			a &= k
		case opAndX:
			a &= x
		case opOrK:
			a |= k
		case opOrX:
			a |= x
		case opXorK:
			a ^= k
		case opXorX:
			a ^= x
		case opLshK:
			a <<= k // 0 from 32 on, as in libpcap
		case opLshX:
			a <<= x
		case opRshK:
			a >>= k
		case opRshX:
			a >>= x
		case opNeg:
			a = -a
		case opJa:
			pc += int(k)
		case opJeqK:
			pc += jump(ins, a == k)
		case opJeqX:
			pc += jump(ins, a == x)
		case opJgtK:
			pc += jump(ins, a > k)
		case opJgtX:
			pc += jump(ins, a > x)
		case opJgeK:
			pc += jump(ins, a >= k)
		case opJgeX:
			pc += jump(ins, a >= x)
		case opJsetK:
			pc += jump(ins, a&k != 0)
		case opJsetX:
			pc += jump(ins, a&x != 0)
		case opRetK:
			return k
		default:
			return 0
		}
	}
	return 0
}

func jump(ins *op, cond bool) int {
	if cond {
		return int(ins.jt)
	}
	return int(ins.jf)
}

// extension loads what the system knows of a packet beside its bytes. It
// answers for the VLAN tag only; the direction of a packet is not recorded in a
// capture.Packet, so such a load fails as one outside the packet does.
func extension(k uint32, pkt *capture.Packet) (uint32, bool) {
	switch k {
	case extVLAN:
		return pkt.VLAN & 0xffff, true
	case extVLANOn:
		if pkt.VLAN != 0 {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

package filter

import (
	"errors"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// validate checks a program as a kernel does before it takes it: codes that
// exist, jumps that stay inside (they only go forward), a return at the end, no
// division by a constant zero, no shift out of range, scratch words that exist
// and are written on all ways to where they are read.
func validate(t *testing.T, p *Program) {
	t.Helper()
	raw, err := p.Raw()
	if err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	if len(raw) == 0 || len(raw) > maxProgram {
		t.Fatalf("%d instructions", len(raw))
	}
	if last := raw[len(raw)-1]; last.Op != opRetK {
		t.Fatalf("the last instruction is %#x\n%v", last.Op, p)
	}
	written := make([]uint16, len(raw)+1) // words that are written on all ways to an instruction
	for i := range written {
		written[i] = 0xffff
	}
	written[0] = 0
	flow := func(to int, w uint16) {
		if to >= len(raw) {
			t.Fatalf("a jump to %d of %d\n%v", to, len(raw), p)
		}
		written[to] &= w
	}
	for i, ins := range raw {
		w := written[i]
		switch ins.Op {
		case opSt, opStx:
			if ins.K > 15 {
				t.Fatalf("instruction %d: scratch word %d", i, ins.K)
			}
			w |= 1 << ins.K
		case opLdMem, opLdxMem:
			if ins.K > 15 || w&(1<<ins.K) == 0 {
				t.Fatalf("instruction %d reads scratch word %d, which is not set\n%v", i, ins.K, p)
			}
		case opDivK, opModK:
			if ins.K == 0 {
				t.Fatalf("instruction %d divides by zero", i)
			}
		case opLshK, opRshK:
			if ins.K > 31 {
				t.Fatalf("instruction %d shifts by %d", i, ins.K)
			}
		}
		switch {
		case ins.Op == opRetK:
		case ins.Op == opJa:
			flow(i+1+int(ins.K), w)
		case ins.Op&7 == 5:
			flow(i+1+int(ins.Jt), w)
			flow(i+1+int(ins.Jf), w)
		default:
			flow(i+1, w)
		}
	}
}

// seedPackets are packets on which programs of all kinds of fields get far.
func seedPackets(t testing.TB) []capture.Packet {
	var out []capture.Packet
	for _, p := range []*capture.Packet{
		packet(t, macs, "0800", ip4, tcp80),
		packet(t, macs, "86dd", ip6, tcp80),
		packet(t, macs, "8100 0064 0800", ip4, tcp80),
		packet(t, macs, "8847 00064140", ip4, tcp80),
		packet(t, macs, "8864 1100 002a 0017 0021", ip4, tcp80),
		packet(t, macs, "0026 4242 03 0000"),
		packet(t, ip4, tcp80),
		packet(t, "02000000", ip4, tcp80),
		packet(t, "0000 0001 0006 000000000000 0000 0800", ip4, tcp80),
		packet(t, "0000 0c00 02000000 20000000", "8800 0000 000000000000 000000000000 000000000000 0000 0000 0000 aaaa03000000 0800", ip4, tcp80),
		packet(t),
	} {
		out = append(out, *p)
	}
	tagged := out[0]
	tagged.VLAN = 0x81000064
	return append(out, tagged)
}

var fuzzLinks = []capture.LinkType{
	capture.LinkEthernet, capture.LinkNull, capture.LinkRaw, capture.LinkLinuxSLL, capture.LinkLinuxSLL2,
	capture.LinkPPP, capture.LinkIPv6, capture.LinkCHDLC, capture.LinkIEEE80211, capture.LinkRadiotap,
}

// FuzzCompile: no expression crashes the compiler, an error is a *SyntaxError
// with a place, and a program is one that a kernel takes and that does the same
// as without simplification, also in the machine of golang.org/x/net.
func FuzzCompile(f *testing.F) {
	for _, list := range [][]string{commonExprs, etherExprs, wifiExprs, goodExprs, badExprs, outside} {
		for i, expr := range list {
			f.Add(expr, uint8(i), i%5 == 0, []byte{})
		}
	}
	f.Fuzz(func(t *testing.T, expr string, link uint8, live bool, data []byte) {
		lt := fuzzLinks[int(link)%len(fuzzLinks)]
		o := Options{Live: live, Services: func(name string) []Service {
			if len(name)%3 == 0 {
				return nil
			}
			return []Service{{6, uint16(len(name))}, {uint8(6 + 11*(len(name)%2)), uint16(len(name) * 100)}}
		}}
		p, err := o.Compile(expr, lt, 0)
		if err != nil {
			var syntax *SyntaxError
			if errors.As(err, &syntax) {
				if syntax.Pos < 0 || syntax.Pos > len(expr) {
					t.Fatalf("place %d of %d", syntax.Pos, len(expr))
				}
				_ = syntax.Caret()
			} else if !errors.Is(err, ErrLinkType) {
				t.Fatalf("error %T: %v", err, err)
			}
			return
		}
		validate(t, p)

		packets := append(seedPackets(t), capture.Packet{Data: data, Length: uint32(len(data)) + 7})
		rnd := rand.New(rand.NewPCG(uint64(len(expr)), 1))
		packets = append(packets, mutations(packets, rnd)...)
		plain := unsimplified(t, o, expr, lt)
		for i := range packets {
			got := p.Match(&packets[i])
			if plain != nil && plain.Match(&packets[i]) != got {
				t.Fatalf("%q on %x: simplified %v\n%v\nas written\n%v", expr, packets[i].Data, got, p, plain)
			}
			otherMachine(t, p, &packets[i], got)
		}
	})
}

// unsimplified compiles without simplify, if that fits.
func unsimplified(t *testing.T, o Options, expr string, lt capture.LinkType) *Program {
	t.Helper()
	g, _ := newGenerator(lt, o.Live)
	root, err := parse(expr, g, o.Services)
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{blocks: make([]block, 2)}
	entry := b.build(g.withPrologue(root), blockAccept, blockReject)
	code, err := layout(b.blocks, entry, maxSnap)
	if err != nil {
		return nil
	}
	raw, err := bpf.Assemble(code)
	if err != nil {
		t.Fatal(err)
	}
	return &Program{link: lt, code: code, run: decode(raw)}
}

// otherMachine compares with the machine of golang.org/x/net/bpf where that has
// all the program needs and means the same.
func otherMachine(t *testing.T, p *Program, pkt *capture.Packet, want bool) {
	t.Helper()
	for _, ins := range p.code {
		switch ins := ins.(type) {
		case bpf.LoadExtension, bpf.NegateA:
			return
		case bpf.ALUOpX:
			if ins.Op == bpf.ALUOpDiv || ins.Op == bpf.ALUOpMod {
				return
			}
		}
	}
	vm, err := bpf.NewVM(p.code)
	if err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	n, err := vm.Run(pkt.Data)
	if err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	if n != 0 != want {
		t.Fatalf("on %x: we say %v, golang.org/x/net/bpf returns %d\n%v", pkt.Data, want, n, p)
	}
}

package filter

import (
	"fmt"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// Service is what a port name stands for.
type Service struct {
	Transport uint8 // IP protocol number: 6 (TCP), 17 (UDP) or 132 (SCTP)
	Port      uint16
}

// Options changes how an expression is compiled. The zero value compiles for
// capture files, with ports as numbers only.
type Options struct {
	// Live compiles for a packet socket. There the kernel has removed the outer
	// VLAN tag from the packet and keeps it as metadata, so "vlan" and all later
	// primitives look there first.
	Live bool
	// Services returns the ports of a service name, none when it is unknown. A
	// name for the same port on TCP and on UDP means that port on every transport,
	// as in libpcap. If Services is nil, every port name is an error.
	Services func(name string) []Service
}

// maxSnap is the snap length of a program when the caller gives none: tcpdump's
// default, more than any packet.
const maxSnap = 262144

// maxProgram is the most instructions a kernel accepts (BPF_MAXINSNS of Linux).
const maxProgram = 4096

// Program is a filter compiled for one link type. It is immutable and safe for
// concurrent use.
type Program struct {
	link capture.LinkType
	code []bpf.Instruction
	run  []op
}

// Compile parses expr and compiles it for packets of a capture file with link
// type lt. An accepted packet is cut to snaplen bytes where the program runs in
// a kernel; 0 or less leaves it whole. An empty expression accepts every packet.
// The error is a *SyntaxError or wraps ErrLinkType.
func Compile(expr string, lt capture.LinkType, snaplen int) (*Program, error) {
	return Options{}.Compile(expr, lt, snaplen)
}

// CompileLive is Compile with Options.Live set.
func CompileLive(expr string, lt capture.LinkType, snaplen int) (*Program, error) {
	return Options{Live: true}.Compile(expr, lt, snaplen)
}

// Compile is the function [Compile] with these options.
func (o Options) Compile(expr string, lt capture.LinkType, snaplen int) (*Program, error) {
	if snaplen <= 0 || snaplen > maxSnap {
		snaplen = maxSnap
	}
	g, ok := newGenerator(lt, o.Live)
	if !ok {
		return nil, fmt.Errorf("compile filter: %v: %w", lt, ErrLinkType)
	}
	root, err := parse(expr, g, o.Services)
	if err != nil {
		return nil, err
	}
	code, err := assemble(g.withPrologue(root), uint32(snaplen))
	if err != nil {
		return nil, &SyntaxError{Expr: expr, Msg: err.Error()}
	}
	raw, err := bpf.Assemble(code)
	if err != nil { // an instruction that this package should not make
		return nil, fmt.Errorf("compile filter: assemble: %w", err)
	}
	return &Program{link: lt, code: code, run: decode(raw)}, nil
}

// LinkType returns the link type for which the program was compiled.
func (p *Program) LinkType() capture.LinkType { return p.link }

// Match reports whether the program accepts the packet, which must be of the
// program's link type: Match does not check that. It does not allocate.
func (p *Program) Match(pkt *capture.Packet) bool {
	return execute(p.run, pkt) != 0
}

// Raw returns the program as the kernel takes it (SO_ATTACH_FILTER).
func (p *Program) Raw() ([]bpf.RawInstruction, error) {
	raw, err := bpf.Assemble(p.code)
	if err != nil {
		return nil, fmt.Errorf("assemble filter: %w", err)
	}
	return raw, nil
}

// Len returns the number of instructions.
func (p *Program) Len() int { return len(p.code) }

// String lists the instructions, one per line, numbered from 0.
func (p *Program) String() string {
	var b strings.Builder
	for i, ins := range p.code {
		fmt.Fprintf(&b, "(%03d) %v\n", i, ins)
	}
	return b.String()
}

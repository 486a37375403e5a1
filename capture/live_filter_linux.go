package capture

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// netOff is SKF_NET_OFF of linux/filter.h, -0x100000: offsets from here on are
// counted from the network layer.
const netOff = ^uint32(0x100000) + 1

// nothingProgram lets nothing pass.
var nothingProgram = []bpf.RawInstruction{{Op: unix.BPF_RET | unix.BPF_K, K: 0}}

// filterProgram makes the one program that the socket runs: which interfaces
// (none: all), not the outgoing half of loopback, and then the caller's filter
// for the link type, or all up to the snap length.
func filterProgram(devices []device, filters map[LinkType][]bpf.RawInstruction, snapLen int) ([]bpf.RawInstruction, error) {
	head := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipFalse: 3},
		bpf.LoadExtension{Num: bpf.ExtLinkLayerType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ARPHRD_LOOPBACK, SkipFalse: 1},
		bpf.RetConstant{Val: 0},
	}
	if len(devices) > 1 {
		head = append(head, bpf.LoadExtension{Num: bpf.ExtInterfaceIndex})
		for i, d := range devices {
			// A conditional jump reaches 255 instructions, a plain one all.
			rest := 2*(len(devices)-i-1) + 1
			head = append(head,
				bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(d.index), SkipFalse: 1},
				bpf.Jump{Skip: uint32(rest)})
		}
		head = append(head, bpf.RetConstant{Val: 0})
	}
	if filters == nil {
		head = append(head, bpf.RetConstant{Val: uint32(snapLen)})
		return bpf.Assemble(head)
	}

	// The filters stand one after the other; before each is the test of the
	// hardware types whose packets it is for.
	program, err := bpf.Assemble(head)
	if err != nil {
		return nil, err
	}
	for _, link := range liveLinks {
		filter, ok := filters[link]
		if !ok {
			continue
		}
		body, err := moveFilter(link, filter, snapLen)
		if err != nil {
			return nil, fmt.Errorf("filter for %v: %w", link, err)
		}
		test, err := bpf.Assemble(hardwareTest(link, uint32(len(body))))
		if err != nil {
			return nil, err
		}
		program = append(append(program, test...), body...)
	}
	program = append(program, nothingProgram...)
	if len(program) > maxInstructions {
		return nil, fmt.Errorf("the filters make %d instructions, and the kernel takes %d", len(program), maxInstructions)
	}
	return program, nil
}

// maxInstructions is BPF_MAXINSNS of linux/bpf_common.h.
const maxInstructions = 4096

// liveLinks are the link types that have a filter of their own. Packets that
// are given as LinkLinuxSLL2 are not IP, and the filter of LinkRaw decides.
var liveLinks = func() []LinkType {
	links := []LinkType{LinkRaw}
	for _, h := range hardwareLinks {
		seen := false
		for _, l := range links {
			seen = seen || l == h.link
		}
		if !seen {
			links = append(links, h.link)
		}
	}
	return links
}()

// hardwareTest skips the following body unless the packet's hardware type is
// one of the link type. For LinkRaw those are all but the types that have a
// link type of their own.
func hardwareTest(link LinkType, body uint32) []bpf.Instruction {
	var types []uint16
	for _, h := range hardwareLinks {
		if link == LinkRaw || h.link == link {
			types = append(types, h.hardware)
		}
	}
	test := []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLinkLayerType}}
	for i, t := range types {
		left := len(types) - i - 1
		test = append(test, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(t), SkipTrue: uint8(left + 1)})
	}
	if link == LinkRaw {
		// A match comes out at the second jump; no match takes the first, over
		// it and into the body.
		test = append(test, bpf.Jump{Skip: 1})
	}
	return append(test, bpf.Jump{Skip: body})
}

// moveFilter makes a filter that was written for Packet.Data fit what the
// kernel runs it on, and bounds what it lets pass by the snap length. The
// kernel runs it on the packet from the link layer on; LinkRaw is without
// that, and the kernel has offsets from the network layer for it.
func moveFilter(link LinkType, filter []bpf.RawInstruction, snapLen int) ([]bpf.RawInstruction, error) {
	if len(filter) == 0 {
		return nil, errors.New("no instructions")
	}
	// A program begins with its registers at zero; the tests before this one
	// left something in A.
	moved := make([]bpf.RawInstruction, 1, 1+len(filter))
	moved[0] = bpf.RawInstruction{Op: unix.BPF_LD | unix.BPF_IMM, K: 0}
	for _, in := range filter {
		class, mode := in.Op&0x07, in.Op&0xe0
		loads := class == unix.BPF_LD && (mode == unix.BPF_ABS || mode == unix.BPF_IND) ||
			class == unix.BPF_LDX && mode == unix.BPF_MSH
		ancillary := in.K >= 1<<31 // negative: SKF_AD_OFF and its like
		switch {
		case in.Op == unix.BPF_RET|unix.BPF_K:
			in.K = min(in.K, uint32(snapLen))
		case loads && link == LinkRaw && !ancillary:
			if in.K >= 0x100000 {
				return nil, fmt.Errorf("offset %d is beyond any packet", in.K)
			}
			in.K += netOff
		}
		moved = append(moved, in)
	}
	return moved, nil
}

func attach(fd int, program []bpf.RawInstruction) error {
	instructions := make([]unix.SockFilter, len(program))
	for i, in := range program {
		instructions[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	p := unix.SockFprog{Len: uint16(len(instructions)), Filter: &instructions[0]}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &p)
}

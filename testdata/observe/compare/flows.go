package main

import (
	"fmt"
	"net/netip"
	"path/filepath"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/packet"
)

// endpoint is one end of a flow, key a flow in one file. The two ends stand in
// numeric order. Contexts are left out: the other tools print none.
type endpoint struct {
	addr netip.Addr
	port uint16
}

type key struct {
	protocol uint8
	a, b     endpoint
}

func makeKey(protocol uint8, src, dst endpoint) (k key, swapped bool) {
	if c := src.addr.Compare(dst.addr); c > 0 || c == 0 && src.port > dst.port {
		return key{protocol, dst, src}, true
	}
	return key{protocol, src, dst}, false
}

func (k key) String() string {
	return fmt.Sprintf("%d %v:%d %v:%d", k.protocol, k.a.addr, k.a.port, k.b.addr, k.b.port)
}

// flow is what is kept of one.
type flow struct {
	file     string
	key      key
	src      endpoint // sent the first packet
	dst      endpoint
	in       observe.Input
	streams  [2]stream
	packets  int
	payloads int // packets with payload
	ours     observe.Observation

	ndpi       string // nDPI's name, "" where it gives none
	ndpiParts  []string
	tshark     []string // tshark's layers above the transport
	openedFrom observe.Side
}

// stream puts the first segments of one direction in their order.
type stream struct {
	next  uint32
	known bool // next is valid
	done  bool
}

// keep bounds the payload kept of each direction.
var keep = 512

// readFlows gives the flows of a capture in the order of their first packets.
func readFlows(path string) ([]*flow, error) {
	r, err := capture.Open(path, capture.Options{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	d := decode.New(decode.Options{}, new(packet.Contexts))
	flows := map[key]*flow{}
	var list []*flow
	packets := make([]capture.Packet, 64)
	var sums []packet.Summary
	for {
		n, err := r.Next(packets)
		for i := range packets[:n] {
			sums, _ = d.Decode(sums[:0], &packets[i])
			for j := range sums {
				s := &sums[j]
				if s.Kind != packet.Datagram {
					continue
				}
				src, dst := endpoint{s.SrcAddr(), s.SrcPort}, endpoint{s.DstAddr(), s.DstPort}
				k, _ := makeKey(s.Protocol, src, dst)
				f := flows[k]
				if f == nil {
					f = &flow{file: filepath.Base(path), key: k, src: src, dst: dst}
					f.in.Transport = s.Protocol
					f.in.Multicast = dst.addr.IsMulticast()
					flows[k] = f
					list = append(list, f)
				}
				f.add(s, src)
			}
		}
		if err != nil || n == 0 {
			break
		}
	}
	for _, f := range list {
		f.ours = observe.Recognise(&f.in)
	}
	return list, nil
}

func (f *flow) add(s *packet.Summary, src endpoint) {
	dir := 0
	if src != f.src {
		dir = 1
	}
	f.packets++
	p := &f.in.Sent[dir]
	if s.Protocol == packet.TCP {
		f.segment(s, dir)
		return
	}
	if s.Signal&packet.Init != 0 && f.openedFrom == observe.NoSide {
		f.openedFrom = observe.Source + observe.Side(dir)
	}
	if s.PayloadLen == 0 {
		return
	}
	f.payloads++
	if p.Len > 0 {
		return
	}
	p.Data = append(p.Data, s.Payload[:min(len(s.Payload), keep)]...)
	p.Len = max(int(s.PayloadLen), len(s.Payload))
	p.PPID = s.PPID
}

func (f *flow) segment(s *packet.Summary, dir int) {
	st, p := &f.streams[dir], &f.in.Sent[dir]
	seq := s.Sequence
	if s.TCPFlags&packet.SYN != 0 {
		if f.openedFrom == observe.NoSide {
			f.openedFrom = observe.Source + observe.Side(dir)
			if s.TCPFlags&packet.ACK != 0 {
				f.openedFrom = observe.Source + observe.Destination - f.openedFrom
			}
		}
		seq++
		if !st.known {
			st.next, st.known = seq, true
		}
	}
	if s.PayloadLen == 0 {
		return
	}
	f.payloads++
	if st.done || st.known && seq != st.next {
		return
	}
	st.next, st.known = seq+s.PayloadLen, true
	p.Len += max(int(s.PayloadLen), len(s.Payload))
	p.Data = append(p.Data, s.Payload[:min(len(s.Payload), keep-len(p.Data))]...)
	st.done = len(s.Payload) < int(s.PayloadLen) || len(p.Data) >= keep
}

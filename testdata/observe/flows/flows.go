// Package flows gathers from a capture what the recognisers of
// annotate/observe look at: for each flow the first datagram with payload of
// either end, or the start of its byte stream. The comparison with other tools
// and the tests that use captures share it; the program has its own way.
package flows

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/capture/packet"
)

// Endpoint is one end of a flow.
type Endpoint struct {
	Addr netip.Addr
	Port uint16
}

// Key is a flow in one file. Its ends stand in numeric order. VLANs and
// tunnels are left out: the other tools print none.
type Key struct {
	Protocol uint8 // IP protocol number
	A, B     Endpoint
}

// MakeKey puts two ends into their order.
func MakeKey(protocol uint8, src, dst Endpoint) Key {
	if c := src.Addr.Compare(dst.Addr); c > 0 || c == 0 && src.Port > dst.Port {
		src, dst = dst, src
	}
	return Key{protocol, src, dst}
}

// String gives protocol, addresses and ports.
func (k Key) String() string {
	return fmt.Sprintf("%d %v:%d %v:%d", k.Protocol, k.A.Addr, k.A.Port, k.B.Addr, k.B.Port)
}

// Flow is what is kept of one.
type Flow struct {
	File     string // the capture's name without its folder
	Key      Key
	Src, Dst Endpoint // the source sent the first packet
	Input    observe.Input
	Payloads int          // packets with payload
	Opener   observe.Side // who sent the opening of the connection, where one was seen
	Ours     observe.Observation

	streams [2]stream
}

// stream puts the first segments of one direction in their order.
type stream struct {
	next  uint32
	known bool // next is valid
	done  bool
}

// Each hands over the packets of a capture that carry a datagram or a segment, in
// their order. What it hands over is valid until take returns.
func Each(path string, take func(*packet.Summary)) error {
	r, err := capture.Open(path, capture.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	m := meter.New(meter.Options{Summary: func(s *packet.Summary) (count bool) {
		if s.Kind == packet.Datagram {
			take(s)
		}
		return false // the flows here are not those of the table
	}})
	m.Read(context.Background(), r) // a damaged capture gives what could be read
	return nil
}

// Read gives the flows of a capture in the order of their first packets. It
// keeps that many bytes of the payload of each direction.
func Read(path string, keep int) ([]*Flow, error) {
	flows := map[Key]*Flow{}
	var list []*Flow
	err := Each(path, func(s *packet.Summary) {
		src, dst := Endpoint{s.SrcAddr(), s.SrcPort}, Endpoint{s.DstAddr(), s.DstPort}
		k := MakeKey(s.Protocol, src, dst)
		f := flows[k]
		if f == nil {
			f = &Flow{File: filepath.Base(path), Key: k, Src: src, Dst: dst}
			f.Input.Transport = s.Protocol
			if dst.Addr.IsMulticast() {
				f.Input.Group = dst.Addr
			}
			flows[k] = f
			list = append(list, f)
		}
		f.add(s, src, keep)
	})
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		f.Ours = observe.Recognise(&f.Input)
	}
	return list, nil
}

func (f *Flow) add(s *packet.Summary, src Endpoint, keep int) {
	dir := 0
	if src != f.Src {
		dir = 1
	}
	p := &f.Input.Sent[dir]
	if s.Protocol == packet.TCP {
		f.segment(s, dir, keep)
		return
	}
	if s.Signal&packet.Init != 0 && f.Opener == observe.NoSide {
		f.Opener = observe.Source + observe.Side(dir)
	}
	if s.PayloadLen == 0 {
		return
	}
	f.Payloads++
	if p.Len > 0 {
		f.head(p, s)
		return
	}
	p.Data = append(p.Data, s.Payload[:min(len(s.Payload), keep)]...)
	p.Len = max(int(s.PayloadLen), len(s.Payload))
	p.PPID = s.PPID
}

// head keeps of datagrams behind the first what capture/flow does.
func (f *Flow) head(p *observe.Payload, s *packet.Summary) {
	rtp := func(b []byte) bool {
		return len(b) > observe.HeadBytes && b[0]&0xcf == 0x80 && (b[1] < 192 || b[1] > 223)
	}
	if s.Protocol != packet.SCTP && (rtp(p.Data) || p.Len <= 20) && rtp(s.Payload) && len(p.Heads) < 3*observe.HeadBytes {
		p.Heads = append(p.Heads, s.Payload[:observe.HeadBytes]...)
	}
}

func (f *Flow) segment(s *packet.Summary, dir, keep int) {
	st, p := &f.streams[dir], &f.Input.Sent[dir]
	seq := s.Sequence
	if s.TCPFlags&packet.SYN != 0 {
		if f.Opener == observe.NoSide {
			f.Opener = observe.Source + observe.Side(dir)
			if s.TCPFlags&packet.ACK != 0 {
				f.Opener = observe.Source + observe.Destination - f.Opener
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
	f.Payloads++
	if st.done || st.known && seq != st.next {
		return
	}
	st.next, st.known = seq+s.PayloadLen, true
	p.Len += max(int(s.PayloadLen), len(s.Payload))
	p.Data = append(p.Data, s.Payload[:min(len(s.Payload), keep-len(p.Data))]...)
	st.done = len(s.Payload) < int(s.PayloadLen) || len(p.Data) >= keep
}

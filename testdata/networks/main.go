// Networks writes a capture of very many networks that use the same addresses: the
// same conversation in each, and one more that goes on all the while.
//
//	go run ./testdata/networks vlans|tunnels N > capture.pcap
//
// With vlans, each network is a pair of VLAN tags (802.1ad); with tunnels, each is in
// GRE without a key from an outer address of its own, as a forger would choose it. The
// conversations begin evenly over ten minutes and take two seconds, so about N/300 are
// under way at a time.
package main

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

const (
	duration = 10 * time.Minute
	start    = 1_789_376_400 // seconds since the Unix epoch
)

func main() {
	if len(os.Args) == 3 {
		if n, err := strconv.Atoi(os.Args[2]); err == nil && n > 0 {
			w := bufio.NewWriterSize(os.Stdout, 1<<20)
			if err = write(w, os.Args[1], n); err == nil {
				err = w.Flush()
			}
			if err == nil {
				return
			}
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	fmt.Fprintln(os.Stderr, "usage: networks vlans|tunnels N > capture.pcap")
	os.Exit(2)
}

// step is a packet of a conversation.
type step struct {
	after    time.Duration // since its beginning
	back     bool
	flags    byte
	seq, ack uint32
	payload  int
}

// conversation is what happens in each network: 3 packets out and 2 back.
var conversation = []step{
	{0, false, 2, 100, 0, 0},
	{time.Millisecond, true, 0x12, 500, 101, 0},
	{2 * time.Millisecond, false, 0x10, 101, 501, 0},
	{time.Second, false, 0x18, 101, 501, 10},
	{2 * time.Second, true, 0x18, 501, 111, 20},
}

// due is the next packet of a network. Network -1 is the one that goes on.
type due struct {
	at      time.Duration
	network int
	step    int
}

type queue []due

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].network < q[j].network
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(due)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// write writes a capture of n networks, in the order of time.
func write(w io.Writer, kind string, n int) error {
	wrap := map[string]func(int, []byte) []byte{"vlans": inVLANs, "tunnels": inTunnel}[kind]
	if wrap == nil {
		return fmt.Errorf("unknown kind %q: want vlans or tunnels", kind)
	}
	le := binary.LittleEndian
	header := le.AppendUint32(nil, 0xa1b2c3d4)
	header = le.AppendUint16(le.AppendUint16(header, 2), 4)
	header = le.AppendUint32(le.AppendUint64(header, 0), 1<<16)
	if _, err := w.Write(le.AppendUint32(header, 1)); err != nil { // Ethernet
		return err
	}
	q := queue{{0, -1, 0}}
	for begun, id := 0, uint16(1); ; id++ {
		for next := duration * time.Duration(begun) / time.Duration(n); begun < n && (len(q) == 0 || next <= q[0].at); begun++ {
			heap.Push(&q, due{next, begun, 0})
			next = duration * time.Duration(begun+1) / time.Duration(n)
		}
		if len(q) == 0 {
			return nil
		}
		d := heap.Pop(&q).(due)
		var frame []byte
		if d.network < 0 {
			frame = single(id, d.step)
			if d.at < duration {
				heap.Push(&q, due{d.at + 100*time.Millisecond, -1, d.step + 1})
			}
		} else {
			s := conversation[d.step]
			frame = wrap(d.network, datagram(id, s))
			if d.step+1 < len(conversation) {
				heap.Push(&q, due{d.at - s.after + conversation[d.step+1].after, d.network, d.step + 1})
			}
		}
		record := le.AppendUint32(nil, uint32(start+d.at/time.Second))
		record = le.AppendUint32(record, uint32(d.at%time.Second/time.Microsecond))
		record = le.AppendUint32(le.AppendUint32(record, uint32(len(frame))), uint32(len(frame)))
		if _, err := w.Write(append(record, frame...)); err != nil {
			return err
		}
	}
}

// datagram is an IPv4 datagram of the conversation between 10.0.0.1:40000 and
// 10.0.0.2:443.
func datagram(id uint16, s step) []byte {
	be := binary.BigEndian
	tcp := make([]byte, 20+s.payload)
	be.PutUint16(tcp, 40000)
	be.PutUint16(tcp[2:], 443)
	be.PutUint32(tcp[4:], s.seq)
	be.PutUint32(tcp[8:], s.ack)
	tcp[12], tcp[13] = 0x50, s.flags
	from, to := []byte{10, 0, 0, 1}, []byte{10, 0, 0, 2}
	if s.back {
		from, to = to, from
		be.PutUint16(tcp, 443)
		be.PutUint16(tcp[2:], 40000)
	}
	return ipv4(id, 6, from, to, tcp)
}

func ipv4(id uint16, protocol byte, from, to, payload []byte) []byte {
	be := binary.BigEndian
	b := make([]byte, 20, 20+len(payload))
	b[0], b[8], b[9] = 0x45, 64, protocol
	be.PutUint16(b[2:], uint16(20+len(payload)))
	be.PutUint16(b[4:], id)
	copy(b[12:], from)
	copy(b[16:], to)
	return append(b, payload...)
}

// single is a packet of the conversation that goes on: it has a VLAN of its own and
// the same addresses as all others.
func single(id uint16, n int) []byte {
	s := step{flags: 0x10, seq: uint32(101 + n), ack: uint32(501 + n), back: n%2 == 1}
	return frame([]uint16{0x8100, 7}, 0x0800, datagram(id, s))
}

// inVLANs puts a datagram into the pair of tags of a network.
func inVLANs(network int, p []byte) []byte {
	return frame([]uint16{0x88a8, uint16(1 + network/4000), 0x8100, uint16(1 + network%4000)}, 0x0800, p)
}

// inTunnel puts a datagram into GRE from the address of a network.
func inTunnel(network int, p []byte) []byte {
	from := binary.BigEndian.AppendUint32(nil, 0x14000000+uint32(network)*7919)
	return frame(nil, 0x0800, ipv4(uint16(network), 47, from, []byte{192, 0, 2, 1}, append([]byte{0, 0, 8, 0}, p...)))
}

// frame is an Ethernet frame with tags, each a type and an identifier.
func frame(tags []uint16, etherType uint16, p []byte) []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for _, t := range append(tags, etherType) {
		b = binary.BigEndian.AppendUint16(b, t)
	}
	return append(b, p...)
}

package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A recording is a capture in the making: the frames, and beside them what the
// generator knows of the flows in it. That knowledge is written as the truth
// of the capture; it comes from what was sent, never from decoding it.
type recording struct {
	link   uint16
	now    time.Time
	frames []frame
	flows  []*flow
	ids    uint16 // the last IPv4 identification given out
}

// frame is one captured packet. wire is its length before it was cut.
type frame struct {
	at   time.Time
	data []byte
	wire int
}

// LINKTYPE_ values (https://www.tcpdump.org/linktypes.html).
const (
	linkNull     = 0
	linkEthernet = 1
	linkPPP      = 9
	linkPPPHDLC  = 50
	linkRaw      = 101
	linkCHDLC    = 104
	linkLoop     = 108
	linkSLL      = 113
	linkPFLog    = 117
	linkRadiotap = 127
	linkIPv4     = 228
	linkIPv6     = 229
	linkNFLOG    = 239
	linkSLL2     = 276
)

// begin is when every recording starts. It lies after the edition of the
// registry that the program embeds, so that no registration is later than the
// traffic, save where a recording wants that.
var begin = time.Date(2026, 9, 14, 9, 0, 0, 0, time.UTC)

func newRecording(link uint16) *recording { return &recording{link: link, now: begin} }

// frame adds a frame, a millisecond after the last one.
func (r *recording) frame(data []byte) {
	r.frames = append(r.frames, frame{r.now, data, len(data)})
	r.wait(time.Millisecond)
}

func (r *recording) wait(d time.Duration) { r.now = r.now.Add(d) }

// direction is that of the flow's first packet, or the other.
type direction int

const (
	out direction = iota
	back
)

// A flow is one transport conversation. What it sends goes into its recording
// and is counted; want is what a reader of the capture must make of it.
type flow struct {
	r       *recording
	proto   uint8
	ends    [2]netip.AddrPort // the source, then the destination
	tags    []uint16          // VLAN tags, outermost first: identifiers, perhaps with a priority
	tunnel  string            // "vxlan:77": the encapsulation that it is in
	packets [2]int
	octets  [2]int // whole frames on the wire
	want    want
	seq     [2]uint64
	streams [2]uint16 // SCTP stream sequence numbers
	vtag    [2]uint32 // SCTP verification tags that each end chose
	first   int       // index of its first frame; valid when something was counted
	// datagram puts a transport's octets into an IP datagram, and wrap puts
	// that into a frame; both are the plain ones unless a recording changes
	// them.
	datagram func(d direction, transport []byte) []byte
	wrap     func(d direction, datagram []byte) []byte
}

// want is the expected reading of a flow: its state at the end of the capture,
// and the end on which the service is: "source", "destination", "both" where
// equals use the same port, or "none".
type want struct{ state, service string }

// flow starts a conversation between two endpoints written as address:port.
// Nothing is sent yet.
func (r *recording) flow(proto uint8, src, dst string, w want, tags ...uint16) *flow {
	f := &flow{
		r: r, proto: proto, tags: tags, want: w,
		ends: [2]netip.AddrPort{netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)},
	}
	n := uint64(len(r.flows) + 1)
	f.seq = [2]uint64{n * 100_000, n * 200_000}
	f.vtag = [2]uint32{0x1000 + uint32(n), 0x2000 + uint32(n)}
	f.datagram, f.wrap = f.plain, f.plainFrame
	r.flows = append(r.flows, f)
	return f
}

// from gives the sender and the receiver of direction d.
func (f *flow) from(d direction) (src, dst netip.AddrPort) { return f.ends[d], f.ends[1-d] }

// plain puts a transport's octets into an IP datagram with no extras.
func (f *flow) plain(d direction, transport []byte) []byte {
	src, dst := f.from(d)
	f.r.ids++
	return ip(src.Addr(), dst.Addr(), f.proto, f.r.ids, transport)
}

// send puts one transport packet on the wire.
func (f *flow) send(d direction, transport []byte) {
	f.carry(d, f.datagram(d, transport))
}

// carry puts an IP datagram of the flow on the wire.
func (f *flow) carry(d direction, datagram []byte) {
	b := f.wrap(d, datagram)
	f.count(d, len(b))
	f.r.frame(b)
}

// plainFrame makes an Ethernet frame with the flow's tags, or none where the
// link type has no header.
func (f *flow) plainFrame(d direction, datagram []byte) []byte {
	if f.r.link != linkEthernet {
		return datagram
	}
	src, dst := f.from(d)
	return ethernet(mac(dst.Addr()), mac(src.Addr()), f.tags, etherType(datagram), datagram)
}

// count says that the frame to come, of n octets, holds a packet of the flow.
func (f *flow) count(d direction, n int) {
	if f.packets == [2]int{} {
		f.first = len(f.r.frames)
	}
	f.packets[d]++
	f.octets[d] += n
}

// truth writes what a reader must find, one line a flow, in the order of the
// first packets; of flows in one frame, the outer comes first.
func (r *recording) truth() []byte {
	flows := slices.Clone(r.flows)
	slices.SortStableFunc(flows, func(a, b *flow) int { return a.first - b.first })
	var b strings.Builder
	b.WriteString("transport\tsource\tdestination\tpackets\tpackets_back\toctets\toctets_back\tstate\tservice\tcontext\n")
	for _, f := range flows {
		var context []string
		for _, t := range f.tags {
			if t&0xfff == 0 {
				continue // a priority tag is in no VLAN
			}
			context = append(context, fmt.Sprintf("vlan %d", t&0xfff))
		}
		if f.tunnel != "" {
			context = append(context, f.tunnel)
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", transportName(f.proto), f.ends[0], f.ends[1],
			f.packets[out], f.packets[back], f.octets[out], f.octets[back], f.want.state, f.want.service, contextOr(context))
	}
	return []byte(b.String())
}

// contextOr writes a context's parts, or a dash when there are none.
func contextOr(parts []string) string {
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func transportName(proto uint8) string {
	switch proto {
	case protoTCP:
		return "tcp"
	case protoUDP:
		return "udp"
	case protoUDPLite:
		return "udplite"
	case protoSCTP:
		return "sctp"
	case protoDCCP:
		return "dccp"
	}
	return fmt.Sprint(proto)
}

// tcp sends a segment and keeps the sequence numbers of both ends right.
func (f *flow) tcp(d direction, flags uint8, payload string) {
	src, dst := f.from(d)
	var options []byte
	if flags&syn != 0 {
		options = tcpOptions
	}
	var acknowledged uint32
	if flags&ack != 0 {
		acknowledged = uint32(f.seq[1-d])
	}
	f.send(d, tcp(src, dst, uint32(f.seq[d]), acknowledged, flags, options, []byte(payload)))
	f.seq[d] += uint64(len(payload))
	if flags&(syn|fin) != 0 {
		f.seq[d]++
	}
}

// open is the three-way handshake.
func (f *flow) open() {
	f.tcp(out, syn, "")
	f.tcp(back, syn|ack, "")
	f.tcp(out, ack, "")
}

// say sends data and has it acknowledged.
func (f *flow) say(d direction, payload string) {
	f.tcp(d, psh|ack, payload)
	f.tcp(1-d, ack, "")
}

// close is the orderly end, begun by d.
func (f *flow) close(d direction) {
	f.tcp(d, fin|ack, "")
	f.tcp(1-d, fin|ack, "")
	f.tcp(d, ack, "")
}

// udp sends a datagram.
func (f *flow) udp(d direction, payload string) {
	src, dst := f.from(d)
	if f.proto == protoUDPLite {
		f.send(d, udpLite(src, dst, []byte(payload)))
		return
	}
	f.send(d, udp(src, dst, []byte(payload)))
}

// sctp sends chunks under the verification tag of the receiver. A packet with
// INIT has tag 0, since no tag is known yet (RFC 9260 section 8.5.1).
func (f *flow) sctp(d direction, chunks ...[]byte) {
	src, dst := f.from(d)
	tag := f.vtag[1-d]
	if chunks[0][0] == chunkInit {
		tag = 0
	}
	f.send(d, sctp(src, dst, tag, chunks...))
}

// init makes the INIT or INIT ACK chunk of end d: its tag, receiver window,
// streams and first TSN; an INIT ACK carries a state cookie.
func (f *flow) init(d direction, kind uint8) []byte {
	v := cat(be32(f.vtag[d], 106496), be16(10, 10), be32(uint32(f.seq[d])))
	if kind == chunkInitAck {
		v = cat(v, be16(7, 12), []byte("a cookie"))
	}
	return chunk(kind, 0, v)
}

// associate is the four-way handshake of SCTP.
func (f *flow) associate() {
	f.sctp(out, f.init(out, chunkInit))
	f.sctp(back, f.init(back, chunkInitAck))
	f.sctp(out, chunk(chunkCookieEcho, 0, []byte("a cookie")))
	f.sctp(back, chunk(chunkCookieAck, 0, nil))
}

// message sends one DATA chunk and has it acknowledged by a SACK.
func (f *flow) message(d direction, ppid uint32, payload string) {
	f.sctp(d, dataChunk(uint32(f.seq[d]), f.streams[d], ppid, []byte(payload)))
	f.sctp(1-d, chunk(chunkSack, 0, cat(be32(uint32(f.seq[d]), 106496), be16(0, 0))))
	f.seq[d]++
	f.streams[d]++
}

// shutdown is the orderly end of an association, begun by d.
func (f *flow) shutdown(d direction) {
	f.sctp(d, chunk(chunkShutdown, 0, be32(uint32(f.seq[1-d]-1))))
	f.sctp(1-d, chunk(chunkShutdownAck, 0, nil))
	f.sctp(d, chunk(chunkShutdownComplete, 0, nil))
}

// dccp sends a DCCP packet; the sequence numbers step by one.
func (f *flow) dccp(d direction, kind uint8, special []byte, payload string) {
	src, dst := f.from(d)
	f.send(d, dccp(src, dst, kind, f.seq[d], f.seq[1-d]-1, special, []byte(payload)))
	f.seq[d]++
}

// icmp answers the flow's next packet in direction d with an ICMP error from
// the given router or host. The error is no packet of the flow; the packet
// that it quotes was sent and is counted.
func (f *flow) icmp(router string, kind, code uint8, d direction, transport []byte) {
	datagram := f.datagram(d, transport)
	f.carry(d, datagram)
	src, _ := f.from(d)
	from := netip.MustParseAddr(router)
	f.r.frame(ethernet(mac(src.Addr()), mac(from), f.tags, etherType(datagram), icmpError(from, src.Addr(), kind, code, datagram)))
}

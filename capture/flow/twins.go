package flow

import (
	"encoding/binary"
	"time"

	"github.com/portannot/portannot/capture/packet"
)

// A packet is seen twice where a capture has two points of observation: a bridge and
// its ports, the way in and the way out of a router, a mirror of both directions. Both
// copies have the same addresses, ports, numbers, lengths, identification and
// checksum; the link header, the time to live and the interface may differ.

// digest hashes what two copies of a packet have in common.
func digest(s *packet.Summary, sd *seeds) uint64 {
	be := binary.BigEndian
	h := mix(be.Uint64(s.Src[:8])^sd[0], be.Uint64(s.Dst[:8])^sd[1])
	h = mix(h^be.Uint64(s.Src[8:]), be.Uint64(s.Dst[8:])^sd[2])
	h = mix(h^(uint64(s.SrcPort)<<48|uint64(s.DstPort)<<32|uint64(s.ID)<<16|uint64(s.Checksum)), sd[3]^
		(uint64(s.Protocol)<<56|uint64(s.Kind)<<48|uint64(s.TCPFlags)<<40|uint64(s.Signal)<<32|uint64(s.ICMPType)<<24|uint64(s.ICMPCode)<<16|uint64(s.IPVersion)))
	h = mix(h^(uint64(s.Sequence)<<32|uint64(s.Ack)), sd[0]^(uint64(s.IPLen)<<32|uint64(s.PayloadLen)))
	if s.Context != nil {
		h = mix(h, s.Context.Hash()^sd[1])
	}
	return h
}

// maxRecent is how many packets Options.Dedup remembers; they take about 64 MiB.
const maxRecent = 1 << 20

// dedup remembers the packets counted last.
type dedup struct {
	now   int64            // latest time of a packet
	times map[uint64]int64 // by digest, when it was counted
	ring  []digested       // in the order in which they were counted
	next  int              // the oldest, once the ring is full
	limit int              // of the ring, in packets
}

type digested struct {
	digest uint64
	time   int64
}

// again reports whether a copy of a packet was counted within the time of
// Options.Dedup, and else remembers it as counted.
func (t *Table) again(s *packet.Summary) bool {
	d, window := &t.dedup, int64(t.opt.Dedup)
	if d.times == nil {
		d.times, d.now = make(map[uint64]int64), minTime
	}
	d.now = max(d.now, s.Time)
	h := digest(s, &t.seeds)
	if at, ok := d.times[h]; ok && s.Time-at <= window && at-s.Time <= window {
		t.stats.Duplicates++
		return true
	}
	if len(d.ring) < d.limit {
		d.ring = append(d.ring, digested{})
		d.next = len(d.ring) - 1
	} else {
		d.next = (d.next + 1) % d.limit
		if old := d.ring[d.next]; d.times[old.digest] == old.time {
			delete(d.times, old.digest)
			if d.now-old.time <= window {
				t.stats.DedupLost++
			}
		}
	}
	d.ring[d.next] = digested{h, s.Time}
	d.times[h] = s.Time
	return false
}

// counted gives those of the summaries that Options.Dedup lets count. They stand in
// the table's own memory until the next call.
func (t *Table) counted(sums []packet.Summary) []packet.Summary {
	t.unique = t.unique[:0]
	for i := range sums {
		if !t.again(&sums[i]) {
			t.unique = append(t.unique, sums[i])
		}
	}
	return t.unique
}

const (
	// lookedAll is up to how many packets are all looked at for copies; of those
	// behind it one in 16 is, chosen by what both copies have in common.
	lookedAll  = 4096
	numSamples = 2048
)

// TwinTime is the time within which a copy of a packet counts as one of Stats.Twins.
const TwinTime = 100 * time.Millisecond

// sampleSeeds are the same in each run, so that what is found is.
var sampleSeeds = seeds{0x9e3779b97f4a7c15, 0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b}

// sampleTwins looks at some packets for copies, to say that there are probably many.
func (t *Table) sampleTwins(sums []packet.Summary) {
	for i := range sums {
		s := &sums[i]
		if (s.ID^s.Checksum)&15 == 8 || t.stats.Sampled < lookedAll {
			t.sampleTwin(s)
		}
	}
}

func (t *Table) sampleTwin(s *packet.Summary) {
	// Without an identification, two acknowledgments may be equal, and so may two
	// datagrams.
	if s.Kind != packet.Datagram || s.ID == 0 && (s.Protocol != packet.TCP || s.PayloadLen == 0) {
		return
	}
	t.stats.Sampled++
	if t.samples == nil {
		t.samples = make([]digested, numSamples)
	}
	h := digest(s, &sampleSeeds)
	at := &t.samples[h%numSamples]
	if d := s.Time - at.time; at.digest == h && d <= int64(TwinTime) && d >= -int64(TwinTime) {
		t.stats.Twins++
		at.digest = 0 // a third copy is the first of a pair
		return
	}
	*at = digested{h, s.Time}
}

// SeenTwice reports whether packets are probably counted twice, because the capture has
// two points of observation: a quarter of Sampled has a copy. See Options.Dedup.
func (s *Stats) SeenTwice() bool { return s.Twins >= 3 && s.Twins >= s.Sampled/4 }

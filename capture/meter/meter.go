package meter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"runtime"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/filter"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// Options configure a Meter. The zero value counts every packet to its flow, on all
// processors.
type Options struct {
	Filter *filter.Set // the packets to decode; nil: all
	Decode decode.Options
	// Flow says when flows end and what is kept of them. Calls of Flow.Emit, of the
	// hooks below and of Stream's tick never overlap.
	Flow flow.Options
	// Workers is the number of goroutines that Read uses; 0: GOMAXPROCS. It does
	// not change the result.
	Workers int
	// MaxPackets is the most packets to read, including those that the filter
	// refuses; 0: no limit.
	MaxPackets uint64

	// Packet is a hook: unless it is nil, it is called for each packet that the
	// filter accepts, in the order of the source. p is valid during the call. An
	// error ends the reading: packets that were read already are counted, without a
	// call.
	//
	// flows yields the flows to which the packet counts, the outermost first. There
	// is none if the packet has no transport header or could not be decoded, and
	// more than one if it carries another packet in a tunnel. Each flow is in the
	// state just after this packet, and is valid until the next one is yielded.
	// An ICMP error yields the flow whose packet it quotes. Fragments read before
	// their datagram's first fragment count when that comes; it then yields the
	// flow once for each.
	//
	// With this hook one goroutine does all the work.
	Packet func(p *capture.Packet, flows iter.Seq[*flow.Flow]) error
	// Summary is a hook: unless it is nil, it is called for each transport header,
	// in the order of the source, and reports whether to count it to a flow. s is
	// valid during the call, as is its payload. With this hook one goroutine does
	// all the work.
	Summary func(s *packet.Summary) bool
}

// Stats account for the packets read. Each was refused by the filter or is in one of
// the counts of Decoded. After a failure of the filter, the packets that it did not
// judge may be in neither.
type Stats struct {
	Packets uint64 // read
	Refused uint64 // by the filter
	Decoded decode.Counts
	// UnknownLinks counts, by link type, the packets of
	// Decoded[decode.UnknownLink].
	UnknownLinks map[capture.LinkType]uint64
	Flows        flow.Stats
}

// Meter turns the packets of one source into flows. Call Read or Stream, once, and
// then Results. To read several captures, make one source of them with
// [capture.OpenFiles] or [capture.Merge].
type Meter struct {
	opt     Options
	decoder *decode.Decoder
	table   *flow.Table
	packets uint64
	refused uint64
	links   map[capture.LinkType]uint64 // Stats.UnknownLinks
	begun   bool
	// numbered says to keep the numbers that the source gives its packets. One
	// capture numbers skipped damaged packets too, and reports damage by these
	// numbers. Other sources may give a number twice: in a merged one, the numbers
	// of each file begin at 1.
	numbered bool
	buffer   [blockSize]capture.Packet
	sums     []packet.Summary // decoded, to be counted next
	hook     hook
}

// blockSize is how many packets are read, decoded and counted together: few enough
// for the first-level cache to hold them and their summaries.
const blockSize = 64

// New returns a Meter for one source.
func New(opt Options) *Meter {
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	opt.Filter = opt.Filter.Clone()
	m := &Meter{opt: opt, decoder: decode.New(opt.Decode), table: flow.NewTable(opt.Flow)}
	m.hook.meter = m
	m.hook.flows = m.hook.each
	return m
}

// Stats returns the counts so far. While Read or Stream runs, only a hook or a tick
// may call it.
func (m *Meter) Stats() Stats {
	return Stats{m.packets, m.refused, m.decoder.Counts(), maps.Clone(m.links), m.table.Stats()}
}

// Next walks over the flows that are held: see [flow.Table.Next]. While Read or Stream
// runs, only Options.Summary or a tick may call it.
func (m *Meter) Next(c *flow.Cursor, f *flow.Flow) bool { return m.table.Next(c, f) }

// Results ends the flows that are still held and returns them in the order of their
// first packets. Call it once, after Read or Stream.
func (m *Meter) Results() *flow.Results { return m.table.Results() }

// Read counts the packets of src to flows until src ends, Options.MaxPackets were
// read, or ctx is done. It is fastest if src is a [*capture.Reader], from which
// several goroutines can read at once. Read does not close src.
//
// An error does not make the flows invalid: all packets that could be read before
// it are counted. The error joins all that went wrong: the damage that a
// [capture.FileSource] stepped over, any error that ended the reading, and
// ctx.Err().
func (m *Meter) Read(ctx context.Context, src capture.Source) error {
	if err := m.begin(src); err != nil {
		return err
	}
	workers := m.opt.Workers
	var shared *capture.Reader
	switch {
	case m.opt.Packet != nil || m.opt.Summary != nil:
		workers = 1 // the hooks see each packet together with its flow
	case m.opt.MaxPackets == 0: // else damage behind the last packet wanted would be reported
		shared, _ = src.(*capture.Reader)
	}
	if shared != nil && shared.OwnReader() && workers > 1 {
		workers-- // the slowest of all steps may be the reading
	}
	var err error
	if workers == 1 {
		err = m.readAlone(ctx, src)
	} else {
		err = m.readParallel(ctx, src, shared, workers)
	}
	return errors.Join(append(problems(src), err, ctx.Err())...)
}

// problems returns the damage that a source stepped over.
func problems(src capture.Source) []error {
	files, ok := src.(capture.FileSource)
	if !ok {
		return nil
	}
	list, total := files.Problems()
	errs := make([]error, 0, len(list)+3)
	for i := range list {
		errs = append(errs, &list[i])
	}
	if total > len(list) {
		errs = append(errs, fmt.Errorf("%d more places of damage", total-len(list)))
	}
	return errs
}

// begin prepares for reading src. It fails the second time.
func (m *Meter) begin(src capture.Source) error {
	if m.begun {
		return errors.New("meter: a Meter reads one source")
	}
	m.begun = true
	_, m.numbered = src.(*capture.Reader)
	return nil
}

// readAlone reads with one goroutine: a few packets at a time, which stay in the
// first-level cache from their record headers to their flows.
func (m *Meter) readAlone(ctx context.Context, src capture.Source) error {
	for ctx.Err() == nil {
		block := m.nextBlock(m.packets)
		if len(block) == 0 {
			break
		}
		n, err := src.Next(block)
		if countErr := m.count(block[:n]); countErr != nil {
			return countErr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nextBlock returns room for the packets to read after a number of others: none after
// MaxPackets.
func (m *Meter) nextBlock(read uint64) []capture.Packet {
	block := m.buffer[:]
	if limit := m.opt.MaxPackets; limit > 0 {
		block = block[:min(uint64(len(block)), limit-read)]
	}
	return block
}

// count numbers, filters and decodes packets, and counts them to their flows.
func (m *Meter) count(packets []capture.Packet) error {
	packets, err := m.accept(packets)
	if m.opt.Packet != nil {
		return errors.Join(m.callHook(packets), err)
	}
	m.sums = m.decodeAll(m.sums[:0], packets)
	m.table.Add(m.sums)
	return err
}

// accept counts packets as read, numbers them unless they keep the numbers of the
// source, and returns those that the filter accepts.
func (m *Meter) accept(packets []capture.Packet) ([]capture.Packet, error) {
	if !m.numbered {
		for i := range packets {
			packets[i].Number = m.packets + uint64(i) + 1
		}
	}
	m.packets += uint64(len(packets))
	if m.opt.Filter == nil {
		return packets, nil
	}
	accepted, refused, err := m.opt.Filter.Select(packets)
	m.refused += refused
	return accepted, err
}

// decodeAll appends the summaries of packets, except those that Options.Summary
// refuses.
func (m *Meter) decodeAll(dst []packet.Summary, packets []capture.Packet) []packet.Summary {
	from := len(dst)
	dst = m.decoder.DecodeAll(dst, packets, m.noteLink)
	if m.opt.Summary != nil {
		dst = m.wanted(dst, from)
	}
	return dst
}

// wanted removes the summaries that Options.Summary refuses, from an index on.
func (m *Meter) wanted(sums []packet.Summary, from int) []packet.Summary {
	kept := sums[:from]
	for i := from; i < len(sums); i++ {
		if m.opt.Summary(&sums[i]) {
			kept = append(kept, sums[i])
		}
	}
	return kept
}

// noteLink counts the packets of each link type that cannot be decoded.
func (m *Meter) noteLink(p *capture.Packet, r decode.Result) {
	if r != decode.UnknownLink {
		return
	}
	if m.links == nil {
		m.links = map[capture.LinkType]uint64{}
	}
	m.links[p.Link]++
}

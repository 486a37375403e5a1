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

// Options are the choices of a Meter. The zero value counts every packet to its
// flow, on all processors.
type Options struct {
	Filter *filter.Set // which packets are decoded; nil: all
	Decode decode.Options
	// Contexts numbers the VLANs and tunnels of the flows; nil: a new one, see
	// [Meter.Contexts].
	Contexts *packet.Contexts
	// Flow says when flows end and what is kept of them. Its Emit, the hooks
	// below and the tick of Stream are called by one goroutine at a time.
	Flow flow.Options
	// Workers is how many goroutines Read uses; 0: as many as Go uses
	// processors (GOMAXPROCS). The flows are the same for any number.
	Workers int
	// MaxPackets is how many packets to read at most, those that the filter
	// refuses included; 0: all.
	MaxPackets uint64

	// Packet, if not nil, is called for each packet that the filter accepts, in
	// the order of the source, whether or not it can be decoded. It ranges over
	// the flows that the packet counts to, the outermost first: none where there
	// is no transport header, several where a tunnel carries another packet. Each
	// is the flow as it stands now, this packet included, and valid until the
	// next one. An ICMP error comes with the flow whose packet it quotes. A first
	// fragment comes with its flow once more for each later fragment that was
	// read before it.
	//
	// p is valid during the call. An error ends the reading. With this hook one
	// goroutine does all the work.
	Packet func(p *capture.Packet, flows iter.Seq[*flow.Flow]) error
	// Summary, if not nil, is called for each transport header, in the order of
	// the source, and says whether to count it to its flow. s and its payload are
	// valid during the call. With this hook one goroutine does all the work.
	Summary func(s *packet.Summary) bool
}

// Stats account for the packets read: each was refused by the filter or is in one
// of the counts of Decoded, except one that a hook's error cut off.
type Stats struct {
	Packets uint64 // read
	Refused uint64 // by the filter
	Decoded decode.Counts
	// UnknownLinks are the numbers of packets with a link type that cannot be
	// decoded; Decoded[decode.UnknownLink] in all.
	UnknownLinks map[capture.LinkType]uint64
	Flows        flow.Stats
}

// Meter turns the packets of a source into flows. It reads one source, with Read
// or with Stream; [capture.OpenFiles] and [capture.Merge] make one source of many.
type Meter struct {
	opt     Options
	decoder *decode.Decoder
	table   *flow.Table
	packets uint64
	refused uint64
	links   map[capture.LinkType]uint64 // Stats.UnknownLinks
	begun   bool
	buffer  [blockSize]capture.Packet
	sums    []packet.Summary // decoded, to be counted next
	hook    hook
}

// blockSize is how many packets go from the source to the table together: few
// enough for the first-level cache to hold them and their summaries.
const blockSize = 64

// New returns a Meter for one source.
func New(opt Options) *Meter {
	if opt.Contexts == nil {
		opt.Contexts = new(packet.Contexts)
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	opt.Filter = opt.Filter.Clone()
	m := &Meter{opt: opt, decoder: decode.New(opt.Decode, opt.Contexts), table: flow.NewTable(opt.Flow)}
	m.hook.meter = m
	m.hook.flows = m.hook.each
	return m
}

// Contexts gives the VLANs and tunnels that the flows name by number.
func (m *Meter) Contexts() *packet.Contexts { return m.opt.Contexts }

// Stats gives the counts. It must not be called while Read runs; while Stream
// runs only by a hook, a tick or Emit.
func (m *Meter) Stats() Stats {
	return Stats{m.packets, m.refused, m.decoder.Counts(), maps.Clone(m.links), m.table.Stats()}
}

// Results ends all flows that are held and gives them in the order of their first
// packets. It is called once, after Read or Stream.
func (m *Meter) Results() *flow.Results { return m.table.Results() }

// Read reads a source to its end, or to Options.MaxPackets, on several goroutines
// if the source is one capture file. The flows are those of all that could be
// read, whatever else happens.
//
// The error joins all that went wrong: for a [capture.FileSource] the damage that
// was stepped over, then what ended the reading early, and the error of ctx if
// that is done. Read does not close src.
func (m *Meter) Read(ctx context.Context, src capture.Source) error {
	if err := m.begin(); err != nil {
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

// problems gives the damage that a source stepped over.
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

func (m *Meter) begin() error {
	if m.begun {
		return errors.New("meter: a Meter reads one source")
	}
	m.begun = true
	return nil
}

// readAlone reads with one goroutine: a few packets at a time, which stay in the
// first-level cache from their record headers to their flows.
func (m *Meter) readAlone(ctx context.Context, src capture.Source) error {
	for ctx.Err() == nil {
		block := m.nextBlock()
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

// nextBlock gives room for the packets to read next: none when MaxPackets are
// read.
func (m *Meter) nextBlock() []capture.Packet {
	block := m.buffer[:]
	if limit := m.opt.MaxPackets; limit > 0 {
		block = block[:min(uint64(len(block)), limit-m.packets)]
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

// accept numbers packets and gives those that the filter accepts.
func (m *Meter) accept(packets []capture.Packet) ([]capture.Packet, error) {
	for i := range packets {
		m.packets++
		packets[i].Number = m.packets
	}
	if m.opt.Filter == nil {
		return packets, nil
	}
	accepted, refused, err := m.opt.Filter.Select(packets)
	m.refused += refused
	return accepted, err
}

// decodeAll appends the summaries of packets that are to be counted.
func (m *Meter) decodeAll(dst []packet.Summary, packets []capture.Packet) []packet.Summary {
	from := len(dst)
	dst = m.decoder.DecodeAll(dst, packets, m.noteLink)
	if m.opt.Summary != nil {
		dst = m.wanted(dst, from)
	}
	return dst
}

// wanted deletes the summaries from an index on that Options.Summary refuses.
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

package netflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// Options are the choices of a Collector. Only Annotator is required.
type Options struct {
	Annotator *annotate.Annotator
	// Selector selects flows, as in flowlog.EnrichOptions.
	Selector annotate.Selector
	// Output is flowlog.CSV for CSV with the columns of flowlog.AppendCSVHeader
	// and no header, and flowlog.Nothing for Flow alone. Any other value means
	// JSON Lines.
	Output flowlog.Output
	// Chosen are the fields to write, if Output is flowlog.Chosen.
	Chosen *record.Chosen
	// Flow takes the flows that are selected, if Output is flowlog.Nothing.
	Flow func(*annotate.Input, *annotate.Annotation)
	// Strict makes File stop at the first fault.
	Strict bool
	Limits Limits
	// Headers decodes the packets that sFlow samples. If it is nil, those samples alone
	// become records of which the agent has decoded the headers.
	Headers Headers
	// Allow lists the networks from which Serve takes messages. If it is empty,
	// all senders are allowed.
	Allow []netip.Prefix
	// Fault, if not nil, is called for each fault that is counted in
	// Stats.FaultCount.
	Fault func(*Fault)
}

// Collector reads files, or listens to exporters, and writes each record of a flow
// as a line of JSON or CSV.
type Collector struct {
	opt     Options
	w       io.Writer
	decoder *Decoder
	flows   *flowlog.Flows
	buf     []byte
	line    []byte // a whole record, of which fields are chosen
	err     error  // of writing; nothing is written after it
	serving bool   // what is written is seen to by serve
	session uint64
	routes  map[route]string // those of Datagram, with the name of the exporter

	mu    sync.Mutex
	shown Account // what Account gives
}

// Account is a copy of the counts of a Collector.
type Account struct {
	Stats Stats
	Flows flowlog.Stats
}

// NewCollector returns a Collector that writes to w.
func NewCollector(w io.Writer, opt Options) *Collector {
	c := &Collector{opt: opt, w: w, flows: flowlog.NewFlows(flowlog.EnrichOptions{
		Annotator: opt.Annotator, Selector: opt.Selector,
	})}
	c.decoder = NewDecoder(opt.Limits, c.record)
	c.decoder.faulty, c.decoder.headers = opt.Fault, opt.Headers
	return c
}

// Stats returns the counts of messages and records. It must not be called while
// File or Serve runs; see Account.
func (c *Collector) Stats() *Stats { return c.decoder.Stats() }

// Flows returns the counts of flows, by status and of those selected. Its counts
// of lines are zero. It must not be called while File or Serve runs.
func (c *Collector) Flows() *flowlog.Stats { return c.flows.Stats() }

// Account returns a copy of the counts while Serve runs, at most a second old. It is
// safe for concurrent use and does not wait for Serve.
func (c *Collector) Account() Account {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown
}

// publish renews what Account gives.
func (c *Collector) publish() {
	a := Account{*c.decoder.Stats(), *c.flows.Stats()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown = a
}

// File reads a file of messages, which must not be compressed; name is for
// messages. It returns an error of reading, the error of ctx, an error that wraps
// flowlog.ErrWrite, or with Strict one that wraps a *Fault and flowlog.ErrStrict.
func (c *Collector) File(ctx context.Context, r io.Reader, name string) error {
	c.session++
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := c.decoder.File(ctx, &flushing{r, c, cancel}, name, c.session, c.opt.Strict)
	c.flush()
	if c.err != nil {
		return c.err
	}
	var f *Fault
	if errors.As(err, &f) {
		return fmt.Errorf("%w: %w", f, flowlog.ErrStrict)
	}
	return err
}

// flushing is a reader that writes out what is done before it waits for more.
type flushing struct {
	r      io.Reader
	c      *Collector
	cancel context.CancelCauseFunc
}

func (f *flushing) Read(b []byte) (int, error) {
	if f.c.flush(); f.c.err != nil {
		f.cancel(f.c.err)
		return 0, f.c.err
	}
	return f.r.Read(b)
}

// flush writes what is held back.
func (c *Collector) flush() {
	if c.err == nil && len(c.buf) > 0 {
		_, err := c.w.Write(c.buf)
		c.wrote(err)
	}
	c.buf = c.buf[:0]
}

// wrote notes what came of writing.
func (c *Collector) wrote(err error) {
	if err != nil && c.err == nil {
		c.err = fmt.Errorf("%w: %w", flowlog.ErrWrite, err)
	}
}

const writeSize = 64 << 10

// record annotates a record and writes it, if it is selected.
func (c *Collector) record(r *Record) {
	in := r.Flow
	in.Packets, in.Bytes, in.End = r.Forward.Packets+r.Reverse.Packets, r.Forward.Bytes+r.Reverse.Bytes, r.End
	if !c.flows.Annotate(in) || c.err != nil {
		return
	}
	if c.opt.Output == flowlog.Nothing {
		c.opt.Flow(c.flows.Flow(), c.flows.Annotation())
		return
	}
	switch c.opt.Output {
	case flowlog.CSV:
		c.buf = c.flows.AppendCSV(c.buf)
	case flowlog.Chosen:
		c.line = appendRecord(c.line[:0], r, c.flows)
		var err error
		if c.buf, err = c.opt.Chosen.AppendRecord(c.buf, c.line); err != nil {
			c.wrote(err)
		}
	default:
		c.buf = appendRecord(c.buf, r, c.flows)
	}
	if len(c.buf) >= writeSize && !c.serving {
		c.flush()
	}
}

// appendRecord appends a record as a line of JSON with the names of portannot's
// own records. What stands in portannot.export is what only exporters say.
func appendRecord(dst []byte, r *Record, flows *flowlog.Flows) []byte {
	f, a := flows.Flow(), flows.Annotation()
	dst = append(dst, '{')
	if f.Start != 0 {
		dst = appendTime(append(dst, `"@timestamp":"`...), f.Start)
		dst = append(dst, `",`...)
	}
	if f.Start != 0 || r.End != 0 {
		dst = append(dst, `"event":{`...)
		if f.Start != 0 {
			dst = append(appendTime(append(dst, `"start":"`...), f.Start), `",`...)
		}
		if r.End != 0 {
			dst = append(appendTime(append(dst, `"end":"`...), r.End), `",`...)
		}
		if f.Start != 0 && r.End >= f.Start {
			dst = append(ascii.AppendUint(append(dst, `"duration":`...), uint64(r.End-f.Start)), ',')
		}
		dst[len(dst)-1] = '}'
		dst = append(dst, ',')
	}
	dst = appendNetwork(dst, r, f)
	dst = appendObserver(dst, r)
	dst = appendEnd(append(dst, `,"source":`...), f.Source, f.NoSourcePort, &r.Forward)
	dst = appendEnd(append(dst, `,"destination":`...), f.Destination, f.NoDestinationPort, &r.Reverse)
	switch a.Service.Side {
	case annotate.Destination:
		dst = appendEnd(append(dst, `,"client":`...), f.Source, f.NoSourcePort, &r.Forward)
		dst = appendEnd(append(dst, `,"server":`...), f.Destination, f.NoDestinationPort, &r.Reverse)
	case annotate.Source:
		dst = appendEnd(append(dst, `,"client":`...), f.Destination, f.NoDestinationPort, &r.Reverse)
		dst = appendEnd(append(dst, `,"server":`...), f.Source, f.NoSourcePort, &r.Forward)
	}
	dst = flows.AppendObject(append(dst, `,"portannot":`...))
	if f.Outcome != annotate.NoOutcome {
		dst = append(append(append(dst, `,"outcome":"`...), f.Outcome.String()...), '"')
	}
	if t, ok := iana.TransportOf(f.Protocol); ok && t == iana.TCP && (r.Forward.HasFlags || r.Reverse.HasFlags) {
		dst = append(dst, `,"tcp_flags":{`...)
		if r.Forward.HasFlags {
			dst = append(record.AppendFlags(append(dst, `"source":"`...), r.Forward.TCPFlags), `",`...)
		}
		if r.Reverse.HasFlags {
			dst = append(record.AppendFlags(append(dst, `"destination":"`...), r.Reverse.TCPFlags), `",`...)
		}
		dst[len(dst)-1] = '}'
	}
	if r.HasICMP {
		dst = ascii.AppendUint(append(dst, `,"icmp":{"type":`...), uint64(r.ICMPType))
		dst = append(ascii.AppendUint(append(dst, `,"code":`...), uint64(r.ICMPCode)), '}')
	}
	dst = append(append(dst, `,"export":{"format":"`...), r.Version.String()...)
	dst = ascii.AppendUint(append(dst, `","domain":`...), uint64(r.Domain))
	if s := r.EndReason.String(); s != "" {
		dst = append(append(append(dst, `,"end":"`...), s...), '"')
	}
	if s := r.Direction.String(); s != "" {
		dst = append(append(append(dst, `,"direction":"`...), s...), '"')
	}
	if r.Sampling > 1 || r.Sample.Valid && r.Sampling > 0 {
		dst = ascii.AppendUint(append(dst, `,"sampling":`...), uint64(r.Sampling))
	}
	if r.Sample.Valid {
		dst = append(dst, `,"sample":true`...)
	}
	if r.Sample.Dropped {
		dst = ascii.AppendUint(append(dst, `,"dropped":`...), uint64(r.Sample.DropReason))
	}
	dst = append(dst, '}')
	if c := f.Context; c != nil && c.Depth > 0 {
		dst = append(record.AppendTunnel(append(dst, `,"tunnel":"`...), c), '"')
	}
	return append(dst, "}}\n"...)
}

// appendObserver appends a comma and the object "observer", if there is anything to
// say in it.
func appendObserver(dst []byte, r *Record) []byte {
	before := `,"observer":{`
	if r.Exporter.IsValid() {
		dst = append(r.Exporter.AppendTo(append(append(dst, before...), `"ip":"`...)), '"')
		before = ","
	}
	for _, i := range [...]struct {
		name  string
		index uint32
	}{{"ingress", r.Sample.In}, {"egress", r.Sample.Out}} {
		if i.index > 0 {
			dst = append(append(append(append(dst, before...), '"'), i.name...), `":{"interface":{"id":"`...)
			dst = append(ascii.AppendUint(dst, uint64(i.index)), `"}}`...)
			before = ","
		}
	}
	if before == "," {
		dst = append(dst, '}')
	}
	return dst
}

// appendNetwork appends the object "network".
func appendNetwork(dst []byte, r *Record, f *annotate.Input) []byte {
	dst = append(dst, `"network":{`...)
	begin := len(dst)
	if name := transportName(f.Protocol); name != "" {
		dst = append(append(append(dst, `,"transport":"`...), name...), '"')
	}
	switch src, dest := f.Source.Addr(), f.Destination.Addr(); {
	case src.Is4() || dest.Is4():
		dst = append(dst, `,"type":"ipv4"`...)
	case src.Is6() || dest.Is6():
		dst = append(dst, `,"type":"ipv6"`...)
	}
	if f.Protocol != 0 {
		dst = append(ascii.AppendUint(append(dst, `,"iana_number":"`...), uint64(f.Protocol)), '"')
	}
	if _, ok := iana.TransportOf(f.Protocol); ok && !f.NoSourcePort && !f.NoDestinationPort &&
		f.Source.Addr().IsValid() && f.Destination.Addr().IsValid() {
		dst = flow.AppendCommunityID(append(dst, `,"community_id":"`...), f.Protocol, f.Source, f.Destination)
		dst = append(dst, '"')
	}
	if r.Forward.HasBytes || r.Reverse.HasBytes {
		dst = ascii.AppendUint(append(dst, `,"bytes":`...), r.Forward.Bytes+r.Reverse.Bytes)
	}
	if r.Forward.HasPackets || r.Reverse.HasPackets {
		dst = ascii.AppendUint(append(dst, `,"packets":`...), r.Forward.Packets+r.Reverse.Packets)
	}
	if r.VLAN != 0 {
		dst = append(ascii.AppendUint(append(dst, `,"vlan":{"id":"`...), uint64(r.VLAN)), `"}`...)
	}
	if r.InnerVLAN != 0 {
		dst = append(ascii.AppendUint(append(dst, `,"inner":{"vlan":{"id":"`...), uint64(r.InnerVLAN)), `"}}`...)
	}
	if len(dst) > begin {
		dst = append(dst[:begin], dst[begin+1:]...) // the first comma
	}
	return append(dst, '}')
}

// transportName gives the IANA keyword of a protocol that flow records have, in
// lower case, as ECS has it; "" for others.
func transportName(protocol uint8) string {
	switch protocol {
	case icmp:
		return "icmp"
	case icmpv6:
		return "ipv6-icmp"
	}
	return iana.TransportName(protocol)
}

// appendEnd appends an endpoint with what it sent.
func appendEnd(dst []byte, ap netip.AddrPort, noPort bool, c *Counters) []byte {
	dst = append(dst, '{')
	if ap.Addr().IsValid() {
		dst = append(ap.Addr().AppendTo(append(dst, `"ip":"`...)), `",`...)
	}
	if !noPort {
		dst = append(ascii.AppendUint(append(dst, `"port":`...), uint64(ap.Port())), ',')
	}
	if c.HasBytes {
		dst = append(ascii.AppendUint(append(dst, `"bytes":`...), c.Bytes), ',')
	}
	if c.HasPackets {
		dst = append(ascii.AppendUint(append(dst, `"packets":`...), c.Packets), ',')
	}
	if dst[len(dst)-1] == ',' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, '}')
}

// appendTime appends nanoseconds since the Unix epoch as RFC 3339 in UTC.
func appendTime(dst []byte, ns int64) []byte {
	return time.Unix(0, ns).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
}

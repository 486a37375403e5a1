package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/flowlog/netflow"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/packet"
	"github.com/portannot/portannot/capture/unpack"
)

// logFormats describes all that enrich reads.
func logFormats() []flowlog.Info { return append(flowlog.Formats(), netflow.Formats()...) }

// exports is the part of enrich that reads what flow exporters send: messages,
// not lines, so that records are written as JSON Lines, or as CSV, whatever they
// came as.
type exports struct {
	j         *enrichJob
	collector *netflow.Collector
	format    string // as given
	strip     bool
	files     int
	listening bool // then losses are reported by the minute, not one by one
	reported  uint64
	captured  captured // of --from-capture
}

func newExports(j *enrichJob, opt flowlog.EnrichOptions, allow []netip.Prefix) *exports {
	x := &exports{j: j, format: opt.Format, strip: opt.Strip}
	x.collector = netflow.NewCollector(j.env.stdout, netflow.Options{
		Annotator: opt.Annotator, Selector: opt.Selector, Output: opt.Output, Strict: opt.Strict,
		Allow: allow, Fault: x.report, Flow: j.sums.add, Chosen: opt.Chosen, Headers: sampledHeaders(),
	})
	return x
}

// sampledHeaders gives what decodes the packets that sFlow samples. Each is decoded by
// itself: fragments of a datagram are seldom sampled together.
func sampledHeaders() netflow.Headers {
	d := decode.New(decode.Options{MaxFragments: 1})
	var p capture.Packet
	return func(dst []packet.Summary, link uint16, data []byte, length uint32) []packet.Summary {
		p = capture.Packet{Number: p.Number + 1, Link: capture.LinkType(link), Length: length, Data: data}
		all, _ := d.Decode(dst, &p)
		return slices.DeleteFunc(all, func(s packet.Summary) bool { return s.Number != p.Number })
	}
}

func (x *exports) used() bool { return x.files > 0 || x.listening }

func (x *exports) faults() uint64 { return x.collector.Stats().FaultCount }

// report names something that was skipped.
func (x *exports) report(f *netflow.Fault) {
	if x.reported++; x.reported <= netflow.MaxFaults && !x.listening {
		x.j.warnf("%v", f)
	}
}

// check says what of the flags has no meaning here.
func (x *exports) check() error {
	if x.strip {
		return usagef("", "--strip is for text logs: NetFlow, IPFIX and sFlow messages hold no annotation")
	}
	return nil
}

const (
	firstBytes = 24      // enough to know a message by
	compressed = 1 << 20 // enough for a compressed block, the first bytes of which are wanted
)

// enrich copies a log of text, or reads a file of messages.
func (j *enrichJob) enrich(ctx context.Context, r io.Reader, name string) error {
	x := j.exports
	switch x.format {
	case "", "auto":
		waiting := &interruptible{ctx: ctx, r: r}
		sample := waiting.sample(nil, firstBytes)
		if isCompressed(sample) {
			sample = waiting.sample(sample, compressed)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r = io.MultiReader(bytes.NewReader(sample), r)
		if !isExport(sample) {
			return j.enricher.Enrich(ctx, r, name)
		}
	case "netflow", "ipfix":
	default:
		return j.enricher.Enrich(ctx, r, name)
	}
	if err := x.check(); err != nil {
		return err
	}
	if err := j.enricher.WriteHeader(); err != nil {
		return err
	}
	plain, stop, err := flowlog.Decompress(&interruptible{ctx: ctx, r: r}, name)
	if err != nil {
		return err
	}
	defer stop()
	x.files++
	err = x.collector.File(ctx, plain, name)
	if errors.Is(err, context.Canceled) {
		return ctx.Err()
	}
	return err
}

// interruptible is a reader that ends with ctx, even when r says nothing. The
// Read of r that is under way then is left behind, so r is of no use after.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	buf  []byte
	done chan readResult
}

type readResult struct {
	n   int
	err error
}

func (i *interruptible) Read(p []byte) (int, error) {
	if i.done == nil {
		i.done = make(chan readResult, 1)
		i.buf = make([]byte, 64<<10)
	}
	if i.ctx.Err() != nil {
		return 0, context.Cause(i.ctx)
	}
	buf := i.buf[:min(len(p), len(i.buf))] // the goroutine may outlive p
	go func() {
		n, err := i.r.Read(buf)
		i.done <- readResult{n, err}
	}()
	select {
	case got := <-i.done:
		return copy(p, buf[:got.n]), got.err
	case <-i.ctx.Done():
		return 0, context.Cause(i.ctx)
	}
}

// sample appends up to n bytes to b. A failure comes again when reading goes
// on.
func (i *interruptible) sample(b []byte, n int) []byte {
	more := make([]byte, n)
	n, _ = io.ReadFull(i, more)
	return append(b, more[:n]...)
}

func isCompressed(b []byte) bool {
	return unpack.Detect(b) != nil
}

// isExport reports whether a file that begins with sample has messages.
func isExport(sample []byte) bool {
	if isCompressed(sample) {
		plain, stop, err := flowlog.Decompress(bytes.NewReader(sample), "")
		if err != nil {
			return false // the reading says it better
		}
		defer stop()
		first := make([]byte, firstBytes)
		n, _ := io.ReadFull(plain, first)
		sample = first[:n]
	}
	return netflow.Detect(sample) != ""
}

// summary accounts for every message, on standard error.
func (x *exports) summary() { x.account("", x.collector.Stats(), x.collector.Flows()) }

// soFar does the same while the listeners are at work.
func (x *exports) soFar() {
	a := x.collector.Account()
	x.account("so far: ", &a.Stats, &a.Flows)
}

func (x *exports) account(prefix string, st *netflow.Stats, flows *flowlog.Stats) {
	e := x.j.env
	var b strings.Builder
	fmt.Fprintf(&b, "%sread %s%v (", prefix, plural(st.Messages[0]+st.Messages[1]+st.Messages[2]+st.Messages[3], "message"), &x.captured)
	sep := ""
	for i, name := range exportVersions {
		if st.Messages[i] > 0 {
			fmt.Fprintf(&b, "%s%d %s", sep, st.Messages[i], name)
			sep = ", "
		}
	}
	if sep == "" {
		b.WriteString("none")
	}
	fmt.Fprintf(&b, "): %s of flows, %d of options", plural(st.Records-st.Samples, "record"), st.Options)
	for _, c := range []struct {
		n    uint64
		what string
	}{
		{st.Other, "with neither address nor port"}, {st.Samples, "of sampled packets"}, {st.Portless, "of sampled packets without ports"},
		{st.Counters, "of counters"}, {st.Unread, "samples of other kinds"},
	} {
		if c.n > 0 {
			fmt.Fprintf(&b, ", %d %s", c.n, c.what)
		}
	}
	e.warnf("%s", b.String())
	if left := leftOut(st, new(netflow.Stats)); left != "" {
		if st.Skipped > 0 {
			left += fmt.Sprintf("; %s between messages", plural(st.Skipped, "byte"))
		}
		e.warnf("left out: %s", left)
	}
	x.j.flowSummary(flows)
}

// exportVersions name the elements of netflow.Stats.Messages.
var exportVersions = [4]string{"NetFlow 5", "NetFlow 9", "IPFIX", "sFlow 5"}

// leftOutWords say what each kind counts: a noun, and what follows it.
var leftOutWords = [netflow.NumKinds]struct{ noun, rest string }{
	netflow.UnknownVersion: {"message", "of unknown versions"},
	netflow.BadMessage:     {"damaged message", ""},
	netflow.BadSet:         {"damaged set", ""},
	netflow.BadTemplate:    {"bad template", ""},
	netflow.BadSample:      {"damaged sample", ""},
	netflow.NoTemplate:     {"set", "without a template"},
	netflow.DecoderFailure: {"set", "that made the decoder fail"},
	netflow.TemplateQuota:  {"template", "over the exporter's quota"},
	netflow.DomainQuota:    {"message", "of domains over the exporter's quota"},
	netflow.ExporterQuota:  {"message", "of exporters over the limit"},
	netflow.QueueFull:      {"datagram", "dropped from a full queue"},
	netflow.SocketDropped:  {"datagram", "dropped by the system"},
	netflow.Missing:        {"record", "or messages missing by sequence numbers"},
	netflow.Refused:        {"connection", "refused"},
	netflow.Idle:           {"connection", "closed without a message"},
	netflow.Evicted:        {"domain", "or exporters forgotten to make room"},
	netflow.NotAllowed:     {"message", "or connections from senders not allowed"},
}

// leftOut says what was left out since an earlier account, with the last case of
// each kind; "" for nothing.
func leftOut(now, before *netflow.Stats) string {
	var parts []string
	for k, n := range now.Left {
		if n -= before.Left[k]; n > 0 {
			words := leftOutWords[k]
			part := plural(n, words.noun)
			if words.rest != "" {
				part += " " + words.rest
			}
			if last := now.Last[k]; last != nil {
				part += fmt.Sprintf(" (last: %v)", last)
			}
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

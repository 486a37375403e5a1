package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"slices"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/internal/rotate"
)

// finding is what the whole of a flow showed, for the comment on its first packet.
type finding struct {
	service          annotate.Service
	srcPort, dstPort uint16
	transport        uint8 // IP protocol number
	looked           bool
	protocol         observe.Protocol
	verdict          observe.Verdict
}

func findingOf(f *flow.Flow, a *annotate.Annotation) finding {
	return finding{a.Service, f.Source.Port(), f.Destination.Port(), f.Protocol, a.Observed.Examined, a.Observed.Protocol, a.Observed.Verdict}
}

// annotation annotates the ports as of a time, which is that of the first packet.
func (f *finding) annotation(an *annotate.Annotator, start int64) annotate.Annotation {
	a := an.Annotate(annotate.Input{
		Protocol:    f.transport,
		Source:      netip.AddrPortFrom(netip.Addr{}, f.srcPort),
		Destination: netip.AddrPortFrom(netip.Addr{}, f.dstPort),
		Start:       start,
	})
	a.Service = f.service
	a.Observed.Examined, a.Observed.Protocol, a.Observed.Verdict = f.looked, f.protocol, f.verdict
	return a
}

// traceLimit bounds what is noted of the packets of a run with -w.
var traceLimit = flow.DefaultTrace // a variable for the tests

// picked is a flow whose packets are to be written.
type picked struct {
	pick    flow.Pick
	finding finding
}

// carver writes the packets of the selected flows (-w).
//
// Which flows are selected is only known at their end: the handshake that
// decides a side may come late. So files are read twice, and the second time
// picks says what to write. What cannot be read twice, a pipe or a live
// capture, is written as it comes, by what is known of a flow at each packet.
type carver struct {
	j        *job
	out      *capture.Writer
	known    bool // all flows are known: they are picks
	picks    []flow.Pick
	findings []finding          // of picks
	observer *annotate.Observer // nil with --observe off, and where picks says it
	written  uint64

	file *rotate.File // nil: out writes to the output itself
	buf  bytes.Buffer // what out writes to, if file is not nil: a packet
}

// choose says which flows to write the packets of.
func (c *carver) choose(list []picked) {
	slices.SortFunc(list, func(a, b picked) int { return a.pick.Compare(b.pick) })
	c.picks, c.findings = make([]flow.Pick, len(list)), make([]finding, len(list))
	for i := range list {
		c.picks[i], c.findings[i] = list[i].pick, list[i].finding
	}
}

// found writes a packet that counts to flows of picks.
func (c *carver) found(p *capture.Packet, flows []flow.Found) error {
	comment := ""
	for _, f := range flows {
		if f.First {
			comment = join(comment, c.comment(f.Pick, p))
		}
	}
	return c.write(p, comment)
}

func (c *carver) comment(i int, p *capture.Packet) string {
	a := c.findings[i].annotation(c.j.annotator, p.Time)
	return packetComment(&a)
}

// packet writes a packet if one of its flows is selected. It is the hook of a
// meter.
func (c *carver) packet(p *capture.Packet, flows iter.Seq[*flow.Flow]) error {
	write, comment, last := false, "", -1
	for f := range flows {
		if c.known {
			if i, ok := slices.BinarySearchFunc(c.picks, f.Pick(), flow.Pick.Compare); ok {
				if write = true; f.Number == p.Number && i != last {
					comment = join(comment, c.comment(i, p))
				}
				last = i
			}
			continue
		}
		a := c.j.annotator.Flow(f, c.observer)
		if !c.j.selector.Match(f, &a) {
			continue
		}
		write = true
		if f.Number == p.Number {
			comment = join(comment, packetComment(&a))
		}
	}
	if !write {
		return nil
	}
	return c.write(p, comment)
}

func (c *carver) write(p *capture.Packet, comment string) error {
	c.written++
	if c.file == nil {
		return c.out.WritePacket(p, comment)
	}
	return c.toFile(p, comment)
}

// toFile gives a packet to a file. One that is full loses packets, which it counts,
// and is no reason to end the run.
func (c *carver) toFile(p *capture.Packet, comment string) error {
	if c.file.Full() {
		c.file.Lose(1)
		return nil
	}
	block, err := c.encode(p, comment)
	if err != nil {
		return err
	}
	if c.file.Room(len(block)) { // the interface must be in the new file too
		if block, err = c.encode(p, comment); err != nil {
			return err
		}
	}
	c.file.Append(block, 1)
	return nil
}

// encode gives the blocks of a packet, valid until it is called again.
func (c *carver) encode(p *capture.Packet, comment string) ([]byte, error) {
	c.buf.Reset()
	if err := c.out.WritePacket(p, comment); err != nil {
		return nil, err
	}
	err := c.out.Flush()
	return c.buf.Bytes(), err
}

// header begins a capture file.
func (c *carver) header(dst []byte) []byte {
	c.out = capture.NewWriter(&c.buf, writerOptions())
	c.buf.Reset()
	_ = c.out.Flush() // into memory
	return append(dst, c.buf.Bytes()...)
}

func writerOptions() capture.WriterOptions {
	return capture.WriterOptions{Application: "portannot " + thisVersion().Version}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

// packetComment says of a flow's first packet what the flow's line says.
func packetComment(a *annotate.Annotation) string {
	s := "portannot: "
	if e, ok := a.Registered(); ok {
		s += describe(e) + fmt.Sprintf(" (%v, %v, %v)", a.Service.Side, a.Service.Reason, a.Service.Confidence)
	} else {
		s += "no side known: " + describe(a.Source) + " | " + describe(a.Destination)
	}
	if l := a.Local(); l != "" {
		s += " local:" + l
	}
	if o := &a.Observed; o.Examined && o.Protocol != observe.Unknown {
		s += fmt.Sprintf("; observed %v (%v)", o.Protocol, o.Verdict)
	}
	return s + ". IANA registry " + a.Registry.Edition().Date + "; a registration says nothing of what the traffic really is."
}

func describe(e iana.Entry) string {
	s := fmt.Sprintf("%d/%v %v", e.Port, e.Transport, e.Status)
	for i := range e.NumNames() {
		s += " " + e.NameAt(i)
	}
	if e.Unauthorized() != "" {
		s += " [unauthorized use reported]"
	}
	return s
}

// openCarver makes a carver that writes to the file of -w while the run goes on.
func (j *job) openCarver(files *outputs) (c *carver, closePlain func(), err error) {
	c = j.newCarver(nil)
	opt := j.rotation.packets
	opt.Unit, opt.Header = "packet", c.header
	var plain *os.File
	if c.file, plain, err = files.open("-w", j.write, opt); err != nil {
		return nil, nil, err
	}
	if plain == nil {
		return c, func() {}, nil
	}
	return j.newCarver(plain), func() { plain.Close() }, nil
}

// newCarver makes a carver that writes to out.
func (j *job) newCarver(out io.Writer) *carver {
	c := &carver{j: j}
	if out != nil {
		c.out = capture.NewWriter(out, writerOptions())
	}
	if j.table.Payload > 0 {
		c.observer = new(annotate.Observer)
	}
	return c
}

// carving is the work of -w on files.
type carving struct {
	j      *job
	out    io.Writer
	file   *outfile.File // behind out; nil for standard output
	carver *carver
	once   bool // the input cannot be read twice
	close  func()
}

// startCarving opens the file of -w. Input that can only be read once is carved
// while it is metered, which opt is set to do.
func (j *job) startCarving(opt *meter.Options, out *writer, files *outputs, paths []string) (*carving, error) {
	c := &carving{j: j, out: j.carved, once: j.follow, close: func() {}}
	if j.follow && c.out == nil {
		var err error
		if c.carver, c.close, err = j.openCarver(files); err == nil {
			opt.Packet = c.carver.packet
		}
		return c, err
	}
	if c.out == nil {
		f, err := outfile.Create(j.write)
		if err != nil {
			return nil, err
		}
		c.out, c.file = f, f
	}
	c.carver = j.newCarver(c.out)
	for _, p := range paths {
		st, err := os.Stat(p)
		c.once = c.once || p == "-" || err != nil || !st.Mode().IsRegular()
	}
	if c.once {
		opt.Packet = c.carver.packet
	} else {
		c.carver.known, c.carver.observer = true, nil
		out.choose, opt.Flow.Trace = true, traceLimit
	}
	return c, nil
}

// finish reads the input for the second time, unless it was carved already,
// and gives the file its name. m has read it the first time, and in says in what state
// the input was then.
func (c *carving) finish(ctx context.Context, m *meter.Meter, paths []string, in inputState) error {
	if c.carver.file != nil {
		return nil // it is closed with the others
	}
	if c.file != nil && !c.j.env.mayInstall("-w", c.file, in) {
		return nil
	}
	if !c.once && in != inputCut {
		if err := c.again(ctx, m, paths); err != nil {
			if errors.Is(err, context.Canceled) && c.file != nil {
				c.j.env.mayInstall("-w", c.file, inputCut)
				return errPart
			}
			return err
		}
	}
	if err := c.carver.out.Flush(); err != nil {
		return err
	}
	if c.file != nil {
		if err := c.file.Commit(); err != nil {
			return err
		}
	}
	if !c.j.quiet {
		c.j.env.warnf("wrote %s to %s", plural(c.carver.written, "packet"), c.j.write)
	}
	return nil
}

// again reads the input for the second time, and writes behind it. Where the first time could not note all
// packets, their flows are made once more.
func (c *carving) again(ctx context.Context, m *meter.Meter, paths []string) error {
	src, err := c.j.open(ctx, paths)
	if err != nil {
		return err
	}
	defer src.Close()
	writing := newBehind(c.out)
	c.carver.out = capture.NewWriter(writing, writerOptions())
	first, n := m.Stats().Packets, uint64(0)
	if m.Traced() {
		n, err = m.Again(ctx, src, c.carver.picks, c.carver.found)
	} else {
		opt := c.j.meterOptions(nil)
		opt.Flow.Payload = 0
		opt.Packet = c.carver.packet
		m := meter.New(opt)
		err = m.Read(ctx, src)
		n = m.Stats().Packets
	}
	flushed := c.carver.out.Flush()
	if failed := writing.Close(); failed != nil { // then the others say no more than this
		return fmt.Errorf("write capture: %w", failed)
	}
	switch {
	case errors.Is(err, context.Canceled) || n < first && err != nil:
		return err
	case flushed != nil:
		return flushed
	case n < first:
		return fmt.Errorf("write capture: the input changed: %s, then %s", plural(first, "packet"), plural(n, "packet"))
	}
	return nil // damage was reported the first time
}

// discard takes the unfinished file away.
func (c *carving) discard() {
	c.close()
	if c.file != nil {
		c.file.Discard()
	}
}

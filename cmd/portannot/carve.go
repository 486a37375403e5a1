package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/internal/rotate"
)

// flowID tells the flows of a run apart.
type flowID struct {
	number           uint64 // of the first packet
	context          uint64 // Context.Hash
	protocol         uint8
	srcPort, dstPort uint16
}

func idOf(f *flow.Flow) flowID {
	return flowID{f.Number, f.Context.Hash(), f.Protocol, f.Source.Port(), f.Destination.Port()}
}

// finding is what the whole of a flow showed, and its first packet does not.
type finding struct {
	service  annotate.Service
	looked   bool
	protocol observe.Protocol
	verdict  observe.Verdict
}

func findingOf(a *annotate.Annotation) finding {
	return finding{a.Service, a.Observed.Examined, a.Observed.Protocol, a.Observed.Verdict}
}

func (f *finding) enter(a *annotate.Annotation) {
	a.Service = f.service
	a.Observed.Examined, a.Observed.Protocol, a.Observed.Verdict = f.looked, f.protocol, f.verdict
}

// carver writes the packets of the selected flows (-w).
//
// Which flows are selected is only known at their end: the handshake that
// decides a side may come late. So files are read twice, and the second time
// selected says what to write. What cannot be read twice, a pipe or a live
// capture, is written as it comes, by what is known of a flow at each packet.
type carver struct {
	j        *job
	out      *capture.Writer
	selected map[flowID]finding // nil: decide at each packet
	observer *annotate.Observer // nil with --observe off, and where selected says it
	written  uint64

	file *rotate.File // nil: out writes to the output itself
	buf  bytes.Buffer // what out writes to, if file is not nil: a packet
}

// packet writes a packet if one of its flows is selected. It is the hook of a
// meter.
func (c *carver) packet(p *capture.Packet, flows iter.Seq[*flow.Flow]) error {
	write, comment := false, ""
	for f := range flows {
		a := c.j.annotator.Flow(f, c.observer)
		var ok bool
		if c.selected != nil {
			var whole finding
			if whole, ok = c.selected[idOf(f)]; ok {
				whole.enter(&a)
			}
		} else {
			ok = c.j.selector.Match(f, &a)
		}
		if !ok {
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
		c.carver.selected, c.carver.observer = map[flowID]finding{}, nil
		out.selected = c.carver.selected
	}
	return c, nil
}

// finish reads the input for the second time, unless it was carved already,
// and gives the file its name. first is how many packets were read the first time,
// and in what state the input was then.
func (c *carving) finish(ctx context.Context, first uint64, paths []string, in inputState) error {
	if c.carver.file != nil {
		return nil // it is closed with the others
	}
	if c.file != nil && !c.j.env.mayInstall("-w", c.file, in) {
		return nil
	}
	if !c.once && in != inputCut {
		if err := c.again(ctx, first, paths); err != nil {
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

// again reads the input for the second time.
func (c *carving) again(ctx context.Context, first uint64, paths []string) error {
	src, err := c.j.open(ctx, paths)
	if err != nil {
		return err
	}
	defer src.Close()
	opt := c.j.meterOptions(nil)
	opt.Flow.Payload = 0
	opt.Packet = c.carver.packet
	m := meter.New(opt)
	err = m.Read(ctx, src)
	switch n := m.Stats().Packets; {
	case errors.Is(err, context.Canceled) || n < first && err != nil:
		return err
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

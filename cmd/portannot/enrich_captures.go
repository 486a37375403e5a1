package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/flowlog/netflow"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/packet"
)

// checkCaptures says whether captures are where they are wanted.
func (o *enrichOptions) checkCaptures(names []string) error {
	switch {
	case !o.fromCapture:
		return o.check("portannot enrich", enrichInstead).files(names)
	case len(o.listen) > 0 || o.follow:
		return usagef("", "--from-capture is for files: it does not go with --listen or --follow")
	case o.format != "" && o.format != "auto":
		return usagef("leave out --format", "--from-capture finds NetFlow, IPFIX and sFlow by their structure")
	}
	return nil
}

// check gives the check of what a command is given for logs.
func (o *enrichOptions) check(command string, instead map[fileKind]string) *logCheck {
	return &logCheck{command: command, instead: instead, stated: o.format != "" && o.format != "auto" || o.fieldMap != "" || o.formats != ""}
}

// enrichInstead has what enrich does not read.
var enrichInstead = map[fileKind]string{
	captureKind: "portannot -r FILE annotates its flows, portannot enrich --from-capture FILE the NetFlow, IPFIX and sFlow in it",
}

// captured accounts for the packets of captures.
type captured struct{ packets, datagrams uint64 }

// runCaptures annotates what flow exporters sent, in captures of their packets.
// Several captures are one stream, so that a template serves those that follow.
func (j *enrichJob) runCaptures(ctx context.Context) error {
	x := j.exports
	if err := x.check(); err != nil {
		return err
	}
	if err := j.enricher.WriteHeader(); err != nil {
		return err
	}
	src, err := (&job{env: j.env}).open(ctx, j.files)
	if err != nil {
		j.state = inputDamaged
		return err
	}
	defer src.Close()
	x.files = len(j.files)
	j.progress = (&job{env: j.env, quiet: j.quiet || isTerminal(j.env.stdout)}).showProgress(src)
	answered := j.env.accountOfReading(src)
	err = x.readCaptures(ctx, src)
	answered()
	j.progress.done()
	whole := true
	switch problems, more := src.Problems(); {
	case errors.Is(err, errReaderGone), errors.Is(err, flowlog.ErrWrite):
		return err
	case errors.Is(err, flowlog.ErrStrict):
		j.env.warnf("%v", flowlog.ErrStrict)
		j.state = inputDamaged
		return errPart
	case ctx.Err() != nil:
		j.env.warnf("interrupted")
		j.state, whole = inputCut, false
	case err != nil:
		j.env.warnEach(err)
		j.state, whole = inputDamaged, false
	case more > 0:
		for i := range problems {
			j.env.warnf("%v", &problems[i])
		}
		j.state, whole = inputDamaged, false
	}
	j.summary()
	if !whole || x.faults() > 0 {
		return errPart
	}
	return nil
}

// readCaptures takes the messages out of the packets.
func (x *exports) readCaptures(ctx context.Context, src capture.Source) error {
	d := decode.New(decode.Options{})
	var summaries []packet.Summary
	packets := make([]capture.Packet, 256)
	for ctx.Err() == nil {
		n, readErr := src.Next(packets)
		for i := range packets[:n] {
			p := &packets[i]
			x.captured.packets++
			p.Number = x.captured.packets
			summaries, _ = d.Decode(summaries[:0], p)
			if err := x.datagrams(summaries, p); err != nil {
				return err
			}
		}
		if readErr != nil {
			err := x.collector.EndDatagrams()
			if err == nil && !errors.Is(readErr, io.EOF) {
				err = readErr
			}
			return err
		}
	}
	return errors.Join(x.collector.EndDatagrams(), ctx.Err())
}

// datagrams takes those of one packet; one in a tunnel may have several.
func (x *exports) datagrams(summaries []packet.Summary, p *capture.Packet) error {
	for i := range summaries {
		s := &summaries[i]
		if s.Protocol != packet.UDP || s.Kind != packet.Datagram || s.Number != p.Number {
			continue
		}
		x.captured.datagrams++
		_, err := x.collector.Datagram(&netflow.Datagram{
			Payload: s.Payload, Length: int(s.PayloadLen), Time: p.Time, Packet: p.Number,
			Source: netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), Destination: netip.AddrPortFrom(s.DstAddr(), s.DstPort),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// String says in how many packets the messages were looked for.
func (c *captured) String() string {
	if c.packets == 0 {
		return ""
	}
	return fmt.Sprintf(" in %s, %s", plural(c.packets, "packet"), plural(c.datagrams, "UDP datagram"))
}

package flowlog

import (
	"bytes"
	"fmt"
)

// Messages annotates logs that come in messages, as from a log bus. Each
// message has one record or a few and needs no other message. So the format
// must not need a header: all kinds of JSON will do, and lines of pairs.
//
// If Options.Format does not name a format, Messages recognises it and keeps it
// for the next messages. It recognises the format again when a message has no
// flow of the kept one. If formats are mixed and share fields, a message may
// then be read in the wrong one. So name the format if all messages have the
// same.
//
// A Messages is for one goroutine.
type Messages struct {
	opt    EnrichOptions
	w      *worker
	named  *format // nil to find it out
	format *format // of the layout
	layout layout
	b      block
	stats  Stats
}

// NewMessages returns a Messages. Output CSV is an error, because a line of CSV
// needs a header. So is a format that is unknown or needs a header. The options
// Strict and Workers have no effect.
func NewMessages(opt EnrichOptions) (*Messages, error) {
	if opt.Output == CSV {
		return nil, fmt.Errorf("messages are not written as CSV, which needs a header")
	}
	if opt.MaxLine <= 0 {
		opt.MaxLine = DefaultMaxLine
	}
	opt.MaxLine = min(opt.MaxLine, 1<<30) // places in a line are kept in 32 bits
	opt.Strict = false
	m := &Messages{opt: opt}
	m.w = newWorker(&m.opt)
	if !opt.Map.IsZero() && (opt.Format == "" || opt.Format == "auto") {
		m.opt.Format = jsonLines.name
	}
	if m.opt.Format == "" || m.opt.Format == "auto" {
		return m, nil
	}
	f, err := formatOf(m.opt.Format)
	if err != nil {
		return nil, err
	}
	m.named = f
	l, err := f.start(&m.opt.Options, nil)
	if err != nil {
		return nil, err
	}
	if _, ok := l.(headed); ok {
		return nil, fmt.Errorf("log format %q has header lines: messages need one whose records stand alone", f.name)
	}
	m.format, m.layout = f, l
	return m, nil
}

// Append appends a message with its annotations. If one line of the message
// cannot be understood, kind is Bad: nothing is appended, and problem says why.
// If the message has a flow, kind is Flow, even if no record is selected; in that
// case nothing is appended. Otherwise kind is Other.
//
// Lines in problem are counted from the beginning of the message.
func (m *Messages) Append(dst, message []byte) (out []byte, kind Kind, problem *Problem) {
	if len(message) > m.opt.MaxLine {
		m.stats.Lines++
		return m.bad(dst, &Problem{"message", 0, fmt.Sprintf("message of more than %d bytes", m.opt.MaxLine)})
	}
	if m.layout == nil && !m.choose(message) {
		if len(bytes.TrimSpace(message)) == 0 {
			m.stats.Lines++
			m.stats.Other++
			if m.w.everything && m.opt.Output == Same || m.opt.Strip {
				dst = append(dst, message...)
			}
			return dst, Other, nil
		}
		m.stats.Lines++
		return m.bad(dst, &Problem{"message", 1, "format not recognised"})
	}
	m.do(dst, message)
	if m.named == nil && m.w.stats.Flows == 0 && !m.fits() {
		if was := m.format; m.choose(message) && m.format != was {
			m.do(dst, message)
		}
	}
	st := &m.w.stats
	if st.Bad > 0 {
		m.stats.Lines += st.Lines
		return m.bad(dst, st.Problems[0])
	}
	m.stats.add(st)
	out = m.b.out
	if m.opt.Output == JSON && !m.opt.Strip && len(out) > len(dst) && !bytes.HasSuffix(message, newline) {
		out = out[:len(out)-1] // as the message, without a line end
	}
	if st.Flows > 0 {
		return out, Flow, nil
	}
	return out, Other, nil
}

// bad counts a message that is not understood.
func (m *Messages) bad(dst []byte, p *Problem) ([]byte, Kind, *Problem) {
	m.stats.Bad++
	m.stats.fault(p)
	return dst, Bad, p
}

// do annotates a message into m.b.
func (m *Messages) do(dst, message []byte) {
	b := &m.b
	b.in, b.name, b.line, b.layout = message, "message", 1, m.layout
	if l, ok := m.layout.(jsonLog); ok && mayContinue(message) && spansLines(message) {
		b.layout = jsonSpanning{l}
	}
	m.w.stats = Stats{}
	b.out = m.w.lines(dst, b)
}

// mayContinue reports that an object may not be alone on its line. It spares
// nearly all messages spansLines, which looks for the line's end.
func mayContinue(message []byte) bool {
	return len(message) < 2 || message[0] != '{' || message[1] != '"'
}

// fits reports that a message without flows is of the kept format all the same:
// one of its events without ports.
func (m *Messages) fits() bool {
	l, ok := m.layout.(jsonLog)
	return ok && m.w.stats.Bad == 0 && m.w.record.scratch != nil && l.shape.is != nil && l.shape.is(&m.w.record.scratch.values)
}

// choose finds out the format of a message, if it can be told.
func (m *Messages) choose(message []byte) bool {
	sample := message[:min(len(message), sampleSize)]
	for _, f := range formats() {
		if f.detect == nil || !f.detect(sample) {
			continue
		}
		l, err := f.start(&m.opt.Options, sample)
		if err != nil {
			continue
		}
		if _, ok := l.(headed); ok {
			continue
		}
		if l, ok := l.(jsonSpanning); ok {
			m.format, m.layout = f, l.jsonLog // do looks again, at each
			return true
		}
		m.format, m.layout = f, l
		return true
	}
	return false
}

// Stats returns the counts of the messages so far. A message that is not
// understood counts its lines and one bad line, but not its flows.
func (m *Messages) Stats() *Stats { return &m.stats }

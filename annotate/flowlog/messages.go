package flowlog

import (
	"bytes"
	"fmt"
	"slices"
)

// Messages annotates logs that come in messages, as from a log bus. Each
// message has one record or a few and needs no other message. So the format
// must not need a header: all kinds of JSON will do, lines of pairs, sentences.
//
// If Options.Format does not name a format, each record is recognised by itself.
//
// A Messages is for one goroutine.
type Messages struct {
	opt    EnrichOptions
	w      *worker
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
		m.opt.Format = "jsonl"
	}
	if m.opt.Format == "" || m.opt.Format == "auto" {
		m.layout = opt.Options.records()
		return m, nil
	}
	rows, err := rowsOf(m.opt.Format)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(f *format) bool { return f.grammar == grammarTable || f == &zeekTSV })
	if len(rows) == 0 {
		return nil, fmt.Errorf("log format %q has header lines: messages need one whose records stand alone", m.opt.Format)
	}
	if f := rows[0]; slices.Contains(mapped, f) || f.grammar == grammarOwn {
		m.layout, err = chooseNamed(nil, &m.opt.Options)
	} else {
		m.layout, err = recordsOf(rows)
	}
	return m, err
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
	m.do(dst, message)
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
	if l, ok := m.layout.(*records); ok {
		if mayContinue(message) && spansLines(message) {
			b.layout = spanningRecords{l}
		} else if i := bytes.IndexByte(message, '\n'); l.azure && i >= 0 && i+1 < len(message) && azureFlows.detect(message) && !l.startsKnown(message) {
			b.layout = azureLog{}
		}
	}
	m.w.stats = Stats{Shapes: m.w.stats.Shapes[:0]}
	b.out = m.w.lines(dst, b)
}

// mayContinue reports that an object may not be alone on its line. It spares
// nearly all messages spansLines, which looks for the line's end.
func mayContinue(message []byte) bool {
	return len(message) < 2 || message[0] != '{' || message[1] != '"'
}

// Stats returns the counts of the messages so far. A message that is not
// understood counts its lines and one bad line, but not its flows.
func (m *Messages) Stats() *Stats { return &m.stats }

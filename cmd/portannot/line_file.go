package main

import (
	"bytes"
	"sync"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/cmd/internal/rotate"
)

// openLines opens the file that enrich writes to while it goes on, and gives an env
// with that as its standard output.
func (o *outputs) openLines(path string, opt rotate.Options) (e *env, closePlain func(), err error) {
	l := new(lineFile)
	opt.Unit, opt.Header = "line", l.begin
	file, plain, err := o.open("--output-file", path, opt)
	if err != nil {
		return nil, nil, err
	}
	if plain != nil {
		return o.env.printingTo(plain), func() { plain.Close() }, nil
	}
	l.f = file
	return o.env.printingTo(l), func() {}, nil
}

// lineFile gives the lines of logs to a file that may be rotated. One that is full
// loses lines, which it counts.
type lineFile struct {
	f        *rotate.File
	inHeader bool // the last block was a part of a header
	losing   bool // the beginning of a line was lost: so is the rest

	mu     sync.Mutex
	header []byte // of the log that is copied
}

var _ flowlog.BlockWriter = (*lineFile)(nil)

// begin gives the header that a new file needs.
func (l *lineFile) begin(dst []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(dst, l.header...)
}

// Write takes whole lines.
func (l *lineFile) Write(p []byte) (int, error) {
	return len(p), l.WriteBlock(p, flowlog.Block{Kind: flowlog.Lines})
}

// WriteBlock takes a block of an Enricher.
func (l *lineFile) WriteBlock(p []byte, b flowlog.Block) error {
	kind := b.Kind
	if len(p) == 0 {
		return nil
	}
	if l.losing && kind <= flowlog.Whole {
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			return nil
		}
		l.losing, p = false, p[end:]
		l.f.Lose(1)
	}
	switch {
	case kind == flowlog.Header:
		l.takeHeader(p)
	case l.f.Full() && kind == flowlog.Part, l.losing:
		l.losing = true
	case kind == flowlog.Part:
		l.f.AppendPart(p)
	case l.f.Full():
		l.f.Lose(countLines(p))
	case kind == flowlog.Whole:
		l.f.Room(len(p))
		l.f.Append(p, countLines(p))
	default:
		l.lines(p)
	}
	l.inHeader = kind == flowlog.Header
	return nil
}

// Zeek's logs have several header lines. The first and the last are:
var (
	zeekBegin = []byte("#separator")
	zeekEnd   = []byte("#close") // about the log that ends, not the lines to come
)

// takeHeader keeps a header line for the files to come.
func (l *lineFile) takeHeader(p []byte) {
	l.mu.Lock()
	if !l.inHeader || bytes.HasPrefix(p, zeekBegin) {
		l.header = nil
	}
	if !bytes.HasPrefix(p, zeekEnd) {
		l.header = append(l.header, p...)
	}
	l.mu.Unlock()
	l.f.Append(p, 0)
}

// lines appends lines, as many to the present file as it takes.
func (l *lineFile) lines(p []byte) {
	for len(p) > 0 {
		n := len(p)
		if left := l.f.Left(); int64(n) > left {
			n = bytes.LastIndexByte(p[:max(left, 0)], '\n') + 1
			if n == 0 {
				if n = bytes.IndexByte(p, '\n') + 1; n == 0 {
					n = len(p)
				}
			}
		}
		l.f.Room(n)
		l.f.Append(p[:n], countLines(p[:n]))
		p = p[n:]
	}
}

// countLines counts lines; the last one may lack its newline.
func countLines(p []byte) uint64 {
	n := uint64(bytes.Count(p, []byte{'\n'}))
	if len(p) > 0 && p[len(p)-1] != '\n' {
		n++
	}
	return n
}

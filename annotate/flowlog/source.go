package flowlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/portannot/portannot/capture/unpack"
)

const (
	readSize   = 256 << 10 // one read, and about one block; several fit the cache of a core
	sampleSize = 64 << 10  // what a format is recognised by, at most
)

// block is a stretch of a log with one layout.
type block struct {
	buf    []byte // in lies in it
	in     []byte
	name   string
	line   int64 // number of the first line
	layout layout
	// raw says that in is written as it is: a header line, already in its new
	// form, a byte order mark, or a part of a line that is too long.
	raw       bool
	continued bool  // raw, and not the beginning of a line
	overlong  bool  // raw, and a part of a line that is too long
	header    bool  // raw, and a header line
	end       int64 // bytes of the log up to its end
	problem   *Problem

	work                 // what a worker made of it
	number uint64        // place among the blocks of its log, from 0
	free   chan<- *block // where it goes when it is written
}

// source cuts one log into blocks.
type source struct {
	r     io.Reader
	close func()
	name  string
	opt   Options
	strip bool // headers are to lose the names of added fields
	whole bool // fill the buffer before going on

	layout   layout
	buf      []byte
	from, to int   // the part of buf not yet given out
	err      error // of reading, given out after the last block; io.EOF too
	line     int64 // number of the line that begins at from
	at       int64 // bytes of the log up to from
	over     bool  // from is inside a line that is too long
	mark     []byte
}

var bom = []byte{0xef, 0xbb, 0xbf}

// newSource begins to read a log. Compression is found out by content.
func newSource(r io.Reader, name string, opt Options) (*source, error) {
	if opt.MaxLine <= 0 {
		opt.MaxLine = DefaultMaxLine
	}
	opt.MaxLine = min(opt.MaxLine, 1<<30) // places in a line are kept in 32 bits
	s := &source{r: r, name: name, opt: opt, line: 1, close: func() {}}
	first := make([]byte, 0, unpack.MagicLen)
	var err error
	for err == nil && (len(first) < 2 || unpack.May(first)) && len(first) < cap(first) {
		var n int
		n, err = r.Read(first[len(first):cap(first)])
		first = first[:len(first)+n]
	}
	switch f := unpack.Detect(first); {
	case f != nil:
		z, release, err := f.Open(io.MultiReader(bytes.NewReader(first), r))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, noEOF(err))
		}
		if release == nil {
			release = func() {}
		}
		s.r, s.whole, s.close = guarded{z}, true, release
	default:
		s.buf = append(make([]byte, 0, readSize), first...)
		s.to = len(first)
		s.fail(err)
	}
	return s, nil
}

// guarded makes errors of the panics of a decompressor.
type guarded struct{ r io.Reader }

func (g guarded) Read(p []byte) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			n, err = 0, fmt.Errorf("decompressor failed: %v", v)
		}
	}()
	return g.r.Read(p)
}

// noEOF makes an end of input that comes too early an error of its own.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// fail remembers an error of reading, the end of the log among them.
func (s *source) fail(err error) {
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read %s: %w", s.name, err)
	}
	s.err = err
}

// fill reads more behind what is in the buffer, which it moves or enlarges
// when there is no room.
func (s *source) fill() {
	if s.err != nil {
		return
	}
	if s.from == s.to {
		s.from, s.to = 0, 0
	}
	if s.to == cap(s.buf) {
		data := s.buf[s.from:s.to]
		if len(data) > cap(s.buf)/2 || s.buf == nil {
			s.buf = make([]byte, 0, max(readSize, 2*cap(s.buf)))
		}
		s.to = copy(s.buf[:cap(s.buf)], data)
		s.from = 0
	}
	s.buf = s.buf[:cap(s.buf)]
	empty := 0
	for s.err == nil {
		n, err := s.r.Read(s.buf[s.to:])
		s.to += n
		s.fail(err)
		if n == 0 && err == nil {
			if empty++; empty == 100 {
				s.fail(io.ErrNoProgress)
			}
			continue
		}
		if !s.whole || s.to == len(s.buf) {
			return
		}
	}
}

// next gives the next stretch. Its error is io.EOF at the end of the log.
func (s *source) next(b *block) error {
	b.in, b.raw, b.continued, b.overlong, b.header, b.problem = nil, false, false, false, false, nil
	b.name, b.line, b.layout = s.name, s.line, s.layout
	if s.layout == nil {
		if done, err := s.begin(b); done || err != nil {
			return err
		}
	}
	for searched := 0; ; {
		data := s.buf[s.from:s.to]
		if len(data) == 0 {
			if s.err != nil {
				return s.err
			}
			s.fill()
			continue
		}
		if s.over {
			s.passOverlong(b, data)
			return nil
		}
		b.line, b.layout = s.line, s.layout
		if s.atHeader(data) {
			end := bytes.IndexByte(data[searched:], '\n') + 1
			switch {
			case end > 0:
				end += searched
			case s.err != nil:
				end = len(data)
			case len(data) >= s.opt.MaxLine:
				s.beginOverlong(b, data)
				return nil
			default:
				searched = len(data)
				s.fill()
				continue
			}
			s.passHeader(b, data[:end])
			return nil
		}
		end := s.lastEnd(data, searched)
		switch {
		case end > 0:
		case s.err != nil:
			end = len(data)
		case len(data) >= s.opt.MaxLine:
			s.beginOverlong(b, data)
			return nil
		default:
			searched = len(data)
			s.fill()
			continue
		}
		end = s.beforeHeader(data[:end])
		s.line += int64(bytes.Count(data[:end], newline))
		s.give(b, end)
		return nil
	}
}

// lastEnd gives the end of the last whole record in data, 0 when there is none.
// Records that are lines do not end before searched.
func (s *source) lastEnd(data []byte, searched int) int {
	l, ok := s.layout.(spanning)
	if !ok {
		if i := bytes.LastIndexByte(data[searched:], '\n'); i >= 0 {
			return searched + i + 1
		}
		return 0
	}
	end := 0
	for {
		from, to := l.next(data[end:])
		if to < 0 {
			if from == len(data)-end {
				end = len(data) // no record begins in the rest
			}
			return end
		}
		end += to
	}
}

var newline = []byte{'\n'}

// begin finds out the format. done is true when b holds a byte order mark.
func (s *source) begin(b *block) (done bool, err error) {
	for tried := 0; ; {
		data := s.buf[s.from:s.to]
		mark := len(data) - len(bytes.TrimPrefix(data, bom))
		data = data[mark:]
		enough := s.err != nil || len(data) >= sampleSize
		if err := otherKind(data, s.name); err != nil {
			return false, err
		}
		// What is typed or trickles in should not have to wait for more than
		// it takes: a line that is not blank, for most formats.
		if !enough && (len(data) < 2*tried || bytes.IndexByte(bytes.TrimLeft(data, " \t\r\n"), '\n') < 0) {
			s.fill()
			continue
		}
		tried = len(data)
		if !enough && undecided(data) {
			s.fill()
			continue
		}
		l, err := choose(data[:min(len(data), sampleSize)], &s.opt)
		if err != nil {
			var unknown *UnknownName
			if errors.As(err, &unknown) {
				unknown.Log = s.name
				return false, unknown
			}
			return false, fmt.Errorf("read %s: %w", s.name, err)
		}
		s.use(l)
		if mark == 0 {
			return false, nil
		}
		b.raw, b.continued = true, true
		s.give(b, mark)
		return true, nil
	}
}

// use sets the layout of the lines to come.
func (s *source) use(l layout) {
	s.layout, s.mark = l, nil
	if h, ok := l.(headed); ok {
		s.mark = []byte(h.mark())
	}
}

// atHeader reports whether data begins with a header line. That needs as many
// bytes as the mark has; a mark that is cut off by the end of what was read
// is looked at again once there is more, since no line end follows it.
func (s *source) atHeader(data []byte) bool { return s.mark != nil && bytes.HasPrefix(data, s.mark) }

// beforeHeader gives how much of data, which is whole lines, comes before the
// first header line in it. data does not begin with one.
func (s *source) beforeHeader(data []byte) int {
	if len(s.mark) == 0 {
		return len(data)
	}
	for at := 1; at < len(data); at++ {
		i := bytes.IndexByte(data[at:], s.mark[0])
		if i < 0 {
			break
		}
		at += i
		if data[at-1] == '\n' && bytes.HasPrefix(data[at:], s.mark) {
			return at
		}
	}
	return len(data)
}

// give hands the first n bytes of the buffer over. What is copied is never
// more than what is handed over.
func (s *source) give(b *block, n int) {
	s.at += int64(n)
	b.end = s.at
	rest := s.buf[s.from+n : s.to]
	if len(rest) > n {
		b.buf = append(b.buf[:0], s.buf[s.from:s.from+n]...)
		b.in = b.buf
		s.from += n
		return
	}
	b.in = s.buf[s.from : s.from+n]
	b.buf, s.buf = s.buf, b.buf
	if cap(s.buf) < readSize || cap(s.buf) < 2*len(rest) {
		s.buf = make([]byte, max(readSize, 2*len(rest)))
	}
	s.buf = s.buf[:cap(s.buf)]
	s.from, s.to = 0, copy(s.buf, rest)
}

// passHeader gives a header line in its new form.
func (s *source) passHeader(b *block, line []byte) {
	b.raw, b.header = true, true
	content := trimEnd(line)
	out, next, err := s.layout.(headed).head(nil, content, s.strip)
	if err != nil {
		var p *Problem
		if !errors.As(err, &p) {
			p = &Problem{s.name, s.line, err.Error()}
		}
		b.problem = p
	}
	out = append(out, line[len(content):]...)
	s.give(b, len(line))
	b.in = out
	if bytes.HasSuffix(line, newline) {
		s.line++
	}
	s.use(next)
}

// beginOverlong gives the first part of a line that is too long.
func (s *source) beginOverlong(b *block, data []byte) {
	b.raw, b.overlong = true, true
	b.problem = &Problem{s.name, s.line, fmt.Sprintf("line of more than %d bytes", s.opt.MaxLine)}
	s.over = true
	s.give(b, len(data))
}

// passOverlong gives another part of it.
func (s *source) passOverlong(b *block, data []byte) {
	b.raw, b.overlong, b.continued = true, true, true
	n := len(data)
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		n = i + 1
		s.over = false
		s.line++
	}
	s.give(b, n)
}

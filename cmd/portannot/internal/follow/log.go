package follow

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/portannot/portannot/capture/tail"
	"github.com/portannot/portannot/capture/unpack"
)

// Log is a file of a stream. It reads the file, and waits at its end for more until it
// is done with.
type Log struct {
	stream *Stream
	name   string
	f      *os.File
	info   fs.FileInfo
	static bool  // compressed: nothing is written to it
	start  int64 // of a saved position
	header int64 // read before that

	superseded time.Time // when another file was seen at the path; guarded by the stream

	// Of the reader alone.
	plain  io.ReadCloser // decompressed; nil: f is read
	prefix []byte        // header, not yet read
	given  int64         // bytes of prefix
	last   time.Time     // when there was something to read
	most   int64         // the largest size seen
	rest   *os.File      // a copy that has what this file has no more
	ended  bool
	again  bool // the file was written anew, and is to be read again

	markMu sync.Mutex
	mark   tail.Mark
	id     Position // which file it is
}

// Name gives the name of the file, for messages.
func (l *Log) Name() string { return l.name }

// head gives the first bytes, decompressed.
func (l *Log) head() []byte {
	b := make([]byte, headSize)
	if !l.static {
		n, _ := l.f.ReadAt(b, 0)
		return b[:n]
	}
	z, err := decompress(io.NewSectionReader(l.f, 0, l.info.Size()))
	if err != nil {
		return nil
	}
	defer z.Close()
	n, _ := io.ReadFull(z, b)
	return b[:n]
}

// wasHead gives the first bytes as they were read: the file may have been cut since.
func (l *Log) wasHead() []byte {
	l.markMu.Lock()
	defer l.markMu.Unlock()
	return l.mark.Head()
}

// copiedTo reports that the file c is a copy of this one. As long as this one was not
// cut, its own bytes show that; what was read of it may be no more than a header that
// all files have. After that, what was read is all there is to compare, if it is more
// than part of a line.
func (l *Log) copiedTo(c *Log) bool {
	if st, err := c.f.Stat(); err == nil {
		if all, err := tail.At(c.f, st.Size()); err == nil && all.Holds(l.f) {
			return true
		}
	}
	l.markMu.Lock()
	defer l.markMu.Unlock()
	return !l.mark.Holds(l.f) && bytes.IndexByte(l.mark.Head(), '\n') >= 0 && l.mark.Holds(c.f)
}

// begin goes to where the reading begins.
func (l *Log) begin() error {
	l.last = time.Now()
	l.markMu.Lock()
	l.identify(l.f)
	l.markMu.Unlock()
	var from io.Reader = l.f
	if _, err := l.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if l.static {
		z, err := decompress(l.f)
		if err != nil {
			return fmt.Errorf("read %s: %w", l.name, err)
		}
		l.plain, from = z, z
	}
	l.prefix = make([]byte, min(l.header, l.start))
	if _, err := io.ReadFull(from, l.prefix); err != nil {
		return fmt.Errorf("read %s: %w", l.name, err)
	}
	l.given = int64(len(l.prefix))
	if l.static {
		if _, err := io.CopyN(io.Discard, from, l.start-l.given); err != nil && err != io.EOF {
			return fmt.Errorf("read %s: %w", l.name, err)
		}
		return nil
	}
	mark, err := tail.At(l.f, l.start)
	if err == nil {
		_, err = l.f.Seek(l.start, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", l.name, err)
	}
	l.markMu.Lock()
	defer l.markMu.Unlock()
	l.mark = mark
	return nil
}

// Read reads the file. It gives io.EOF when the file is done with, or when the context
// of Run is done.
func (l *Log) Read(p []byte) (int, error) {
	if len(l.prefix) > 0 {
		n := copy(p, l.prefix)
		l.prefix = l.prefix[n:]
		return n, nil
	}
	for !l.ended {
		n, err := l.read(p)
		if n > 0 {
			l.markMu.Lock()
			l.mark.Read(p[:n])
			l.markMu.Unlock()
			l.last = time.Now()
			return n, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
		if l.ended || l.static || l.rest != nil {
			return l.end(p)
		}
		if st, err := l.f.Stat(); err == nil {
			l.most = max(l.most, st.Size())
		}
		wait := l.stream.set.poll
		l.stream.mu.Lock()
		if quiet := l.superseded; !quiet.IsZero() {
			if l.last.After(quiet) {
				quiet = l.last
			}
			wait = min(wait, time.Until(quiet.Add(l.stream.set.opt.Wait)))
		}
		l.stream.mu.Unlock()
		if wait <= 0 {
			return l.end(p)
		}
		if !l.stream.pause(wait) {
			l.ended = true
		}
	}
	return 0, io.EOF
}

// read reads what there is.
func (l *Log) read(p []byte) (int, error) {
	switch {
	case l.static:
		return l.plain.Read(p)
	case l.rest != nil:
		return l.rest.Read(p)
	}
	n, err := l.f.Read(p)
	// After the reading: what was read of a file that is still what it was is its
	// content.
	if l.mark.Holds(l.f) {
		return n, err
	}
	l.again = true
	if f, name := l.stream.findCopy(&l.mark); f != nil {
		st, err := f.Stat()
		if err == nil {
			_, err = f.Seek(l.mark.Offset(), io.SeekStart)
		}
		if err == nil {
			l.markMu.Lock()
			l.rest = f
			l.markMu.Unlock()
			l.stream.set.opt.Report("%s: cut or written anew: %d bytes that it had are read from %s, then it is read again from its beginning",
				l.name, st.Size()-l.mark.Offset(), name)
			return f.Read(p)
		}
		f.Close()
	}
	l.ended = true
	if lost := l.most - l.mark.Offset(); lost > 0 {
		l.stream.set.opt.Report("%s: cut or written anew: read again from its beginning; at least %d bytes are lost", l.name, lost)
	} else {
		l.stream.set.opt.Report("%s: cut or written anew: read again from its beginning", l.name)
	}
	return 0, io.EOF
}

// end ends this log. Half a line at its end is completed, so that it does not spoil
// the first of the next log.
func (l *Log) end(p []byte) (int, error) {
	l.ended = true
	if l.rest != nil {
		l.rest.Close()
	}
	if l.plain != nil {
		l.plain.Close()
	}
	if l.mark.HalfLine() && len(p) > 0 {
		p[0] = '\n'
		return 1, nil
	}
	return 0, io.EOF
}

// At gives the position behind so many bytes that were read of the log, the first
// header of which say how to read the rest.
func (l *Log) At(read, header int64) Position {
	l.markMu.Lock()
	defer l.markMu.Unlock()
	offset := l.start + max(0, read-l.given)
	if !l.static {
		offset = min(offset, l.mark.Offset()) // a line that was completed is one byte longer
	}
	file := l.f
	if l.rest != nil {
		file = l.rest
	}
	l.identify(file)
	pos := l.id
	pos.Offset, pos.Header = offset, max(header, l.header)
	return pos
}

// identify notes which file it is, unless it is closed already.
func (l *Log) identify(file *os.File) {
	st, err := file.Stat()
	if err != nil {
		return
	}
	k := keyOf(st)
	l.id.Device, l.id.Inode, l.id.Modified = k.device, k.inode, st.ModTime()
	if l.static && l.id.HeadSize > 0 {
		return // it does not change
	}
	if head := l.head(); len(head) > 0 {
		l.id.Head, l.id.HeadSize = hashOf(head), len(head)
	}
}

// Compressed reports that the log is compressed, though its name does not say so:
// then there are no positions in it.
func (l *Log) Compressed() bool {
	l.markMu.Lock()
	defer l.markMu.Unlock()
	return !l.static && unpack.Detect(l.mark.Head()) != nil
}

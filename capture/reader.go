package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/portannot/portannot/capture/unpack"
)

// Bounds on what a length field of a capture may say.
const (
	// usualPacket is the largest packet that is believed whatever the snap
	// length says: the largest snap length of libpcap.
	usualPacket = 256 << 10
	// maxPacket is the largest packet that is believed at all, where the snap
	// length allows it, and the largest block of a pcapng file.
	maxPacket = 16 << 20
	// maxProblems is how many problems a Reader remembers; it counts all.
	maxProblems = 64
)

// ErrNotCapture is wrapped by the errors of NewReader and Open when the
// input does not begin like a capture of any known format.
var ErrNotCapture = errors.New("not a capture file")

// Options change how a capture is read. The zero value suits files.
type Options struct {
	// NoReadAhead does all reading and decompression within the calls of Next.
	// By default a goroutine does it ahead of them, if the capture is longer
	// than one read and there is more than one processor.
	NoReadAhead bool
	// Stdin is what Open reads for the path "-". If it is nil, "-" is the name
	// of a file.
	Stdin io.Reader
	// Context ends the reading of a pipe when it is done: Next returns the
	// packets that were read before, and then io.EOF. Regular files are not
	// affected.
	Context context.Context

	small bool // reads of smallRead bytes: one of many captures that are open at a time
}

// Reader reads one capture: classic pcap and its variants, pcapng, snoop,
// Network Monitor or Sniffer, also compressed with gzip, zstd, lz4, xz or
// bzip2. The content decides which it is. A Reader is a Source.
type Reader struct {
	name   string
	format string
	s      *stream
	p      parser
	log    problems
	err    error // what Next returns from now on
	total  int64
	shared sharing // see NextChunk
}

// Open opens a capture file, or opt.Stdin when that is set and path is "-".
func Open(path string, opt Options) (*Reader, error) {
	if path == "-" && opt.Stdin != nil {
		return NewReader(opt.Stdin, path, opt)
	}
	f, err := OpenFile(opt.Context, path)
	if err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open capture: %w", err)
	}
	if st.IsDir() {
		f.Close()
		return nil, fmt.Errorf("open capture: %s is a directory", path)
	}
	var total int64
	if st.Mode().IsRegular() {
		total = st.Size()
	}
	return newReader(f, f, path, total, opt)
}

// NewReader reads a capture from r, which may be a pipe; errors call it
// name. NewReader waits until it has read enough to know the format. Close
// does not close r.
func NewReader(r io.Reader, name string, opt Options) (*Reader, error) {
	var total int64
	if f, ok := r.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			total = st.Size()
		}
	}
	return newReader(r, nil, name, total, opt)
}

func newReader(src io.Reader, closer io.Closer, name string, total int64, opt Options) (*Reader, error) {
	if ctx := opt.Context; ctx != nil && total == 0 {
		src = &stopReader{ctx: ctx, r: src}
	}
	raw := &countingIn{r: src, most: chunkSize}
	switch {
	case opt.small:
		raw.most = smallRead
	case opt.NoReadAhead || runtime.GOMAXPROCS(0) == 1:
		raw.most = cacheRead
	}
	r := &Reader{name: name, total: total}
	r.s = newStream(&input{r: raw, raw: raw, closer: closer, regular: total > 0}, opt.NoReadAhead)
	r.log.name = name
	if err := r.open(); err != nil {
		r.s.close()
		return nil, err
	}
	return r, nil
}

// open finds the compression and the format, and reads the file header.
func (r *Reader) open() error {
	// Four bytes tell pcap and pcapng, so that a live pipe is known before
	// its first packet. Everything else may need more.
	r.s.fill(4)
	if !quickly(r.s.win) {
		r.s.fill(sniffLen)
	}
	if p := unpack.Detect(r.s.win); p != nil {
		if err := r.s.unpack(p); err != nil {
			r.s.err = err
			return r.failure(0)
		}
		r.s.fill(sniffLen)
	}
	if r.s.err != nil && r.s.err != io.EOF && len(r.s.win) < 4 {
		return r.failure(0)
	}
	d := detect(r.s.win)
	if d.new == nil && r.stopped() {
		return r.failure(0)
	}
	if d.new == nil {
		return d.refuse(r.name, r.s.win)
	}
	r.format = d.name
	r.p = d.new()
	for {
		used, need, err := r.p.header(r.s.win, r.s.err != nil)
		if err != nil {
			if r.s.err != nil && r.s.err != io.EOF || r.stopped() {
				return r.failure(0)
			}
			return &DamageError{Name: r.name, Reason: err.Error()}
		}
		if need == 0 {
			r.s.consume(used)
			return nil
		}
		r.s.fill(need)
	}
}

// A parser knows one container format. It works on the window of a stream and
// does no input of its own.
type parser interface {
	// header reads the file header at the front of b. Where b is too short it
	// returns how long it must be; when end is set there is no more than b.
	header(b []byte, end bool) (used, need int, err error)
	// parse fills dst with the packets at the front of b, whose first byte
	// is at offset off of the stream. used bytes of b are done with. When dst
	// is not full, need is how many bytes from there it must see to go on;
	// when end is set there is no more than b, and need is not used. bad is
	// damage that cannot be stepped over.
	parse(b []byte, off int64, end bool, dst []Packet, log *problems) (n, used, need int, bad damage)
	// count is the number of packets that parse has passed.
	count() uint64
	// drops is the number of packets that the capture says it misses.
	drops() uint64
}

// damage is why a capture is unreadable from an offset on; the zero value is none.
type damage struct {
	off int64
	why string
}

func damageAt(off int64, format string, args ...any) damage {
	return damage{off, fmt.Sprintf(format, args...)}
}

// Next fills dst with the next packets: as many as are in memory, and at
// least one unless it returns an error. Data is valid until the next call of
// Next or Close. At the end of the capture the error is io.EOF, also when
// damage was stepped over (see Problems). Where damage ends the reading, the
// error is a *DamageError.
func (r *Reader) Next(dst []Packet) (int, error) {
	if r.err != nil || len(dst) == 0 {
		return 0, r.err
	}
	need := 1
	for {
		more := r.s.fill(need)
		n, used, want, bad := r.p.parse(r.s.win, r.s.off, r.s.err != nil, dst, &r.log)
		r.s.consume(used)
		if r.err = r.ending(bad, !more && len(r.s.win) == 0); r.err != nil {
			return n, r.err
		}
		if n > 0 {
			return n, nil
		}
		need = max(want, 1)
	}
}

// ending says why nothing follows what was parsed, nil when something may: bad is
// the damage that the parser met, and done is set when it saw all bytes there
// will be.
func (r *Reader) ending(bad damage, done bool) error {
	switch {
	case bad.why != "" && r.stopped():
		return io.EOF // a packet that has half arrived is no damage
	case bad.why != "" && r.s.err != nil && r.s.err != io.EOF:
		return r.failure(r.p.count() + 1)
	case bad.why != "":
		return &DamageError{Name: r.name, Offset: bad.off, Packet: r.p.count() + 1, Reason: bad.why}
	case !done || r.s.err == nil:
		return nil
	case r.s.err == io.EOF || r.stopped():
		return io.EOF
	}
	return r.failure(r.p.count() + 1)
}

// stopped says whether the input was ended by Options.Context.
func (r *Reader) stopped() bool {
	stop, ok := r.s.src.raw.r.(*stopReader)
	return ok && r.s.err != nil && stop.stopped.Load()
}

// failure turns what ended the stream early into an error for the caller.
func (r *Reader) failure(packet uint64) error {
	if r.stopped() {
		return fmt.Errorf("read %s: %w", r.name, context.Cause(r.s.src.raw.r.(*stopReader).ctx))
	}
	if packed := r.s.src.packed; packed != "" {
		reason := packed + ": " + r.s.err.Error()
		if errors.Is(r.s.err, io.ErrUnexpectedEOF) || r.s.err == io.EOF {
			reason = packed + " data cut short"
		}
		return &DamageError{Name: r.name, Offset: r.s.off, Packet: packet, Reason: reason}
	}
	return fmt.Errorf("read %s: %w", r.name, r.s.err)
}

// Close closes the file and ends the goroutine that reads ahead.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = errClosed
	}
	if err := r.s.close(); err != nil {
		return fmt.Errorf("close %s: %w", r.name, err)
	}
	return nil
}

// Name returns the name that the capture was opened with.
func (r *Reader) Name() string { return r.name }

// Format returns the name of the format and the compression: "pcap",
// "pcapng, gzip".
func (r *Reader) Format() string {
	if p := r.s.src.packed; p != "" {
		return r.format + ", " + p
	}
	return r.format
}

// Progress returns how many bytes of the file were read and how many it has;
// total is 0 when that is not known. In a compressed file it counts
// compressed bytes. It may be called at any time from any goroutine.
func (r *Reader) Progress() (read, total int64) {
	return r.s.src.raw.n.Load(), r.total
}

// Drops returns how many packets were lost when the capture was made, as far
// as the part that was read tells. Classic pcap does not record it: 0.
func (r *Reader) Drops() uint64 { return r.p.drops() }

// Problems returns the first places of damage that were stepped over so far,
// and how many there were in all.
func (r *Reader) Problems() ([]DamageError, int) {
	return r.log.list, r.log.n
}

// problems is a bounded list of damage.
type problems struct {
	name string
	list []DamageError
	n    int
}

func (p *problems) add(off int64, packet uint64, format string, args ...any) {
	p.n++
	if len(p.list) < maxProblems {
		p.list = append(p.list, DamageError{Name: p.name, Offset: off, Packet: packet, Reason: fmt.Sprintf(format, args...)})
	}
}

// addTo adds a problem of the capture of a name.
func (p *problems) addTo(name string, off int64, format string, args ...any) {
	q := problems{name: name}
	q.add(off, 0, format, args...)
	p.take(&q)
}

// take adds the problems of another source.
func (p *problems) take(q *problems) {
	p.n += q.n
	p.list = append(p.list, q.list[:min(len(q.list), maxProblems-len(p.list))]...)
}

package capture

import (
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
)

// Merged returns the packets of several sources in the order of their time.
// The packets of one source keep their numbers and their order, even where its
// clock went backwards.
//
// When a source fails, the others are still read to their end. Then Next
// returns the errors of all that failed, in place of io.EOF.
type Merged struct {
	pending []*mergeItem // files that are not open yet, by the time of their first packet
	active  []*mergeItem // a heap by key and order
	errs    []error
	err     error // what Next returns from now on
	log     problems
	lost    uint64 // packets that the sources that have ended say they miss
	origins origins

	mu      sync.Mutex // guards what follows, for Progress
	open    []*mergeItem
	read    int64 // bytes of the files that are closed again
	total   int64
	unknown bool // a source's size is not known
}

// mergeItem is one source.
type mergeItem struct {
	path  string // of a file that is to be opened
	opt   Options
	order int   // position among the arguments, to settle equal times
	size  int64 // bytes of the file
	first int64 // time of the first packet

	src   Source // nil until it is open
	batch []Packet
	at    int   // position of the next packet in batch
	key   int64 // its time
	err   error // what Next of src returned; holds once the batch is spent
}

const (
	mergeBatch = 256
	// manyOpen is the number of captures open at a time from which on each has
	// small buffers and no goroutine.
	manyOpen = 8
)

// Merge merges open sources. It closes each source when that source ends.
func Merge(sources ...Source) *Merged {
	m := new(Merged)
	for i, s := range sources {
		m.start(&mergeItem{src: s, order: i})
	}
	return m
}

// OpenFiles merges capture files, such as the parts of a rotating capture.
// It reads the first packet of each file for its time, and closes the file. It
// reopens the file when the merge reaches that time. Only files whose times overlap
// are open at once, so thousands of parts need the memory of two. A path may be "-"
// (see Options.Stdin). What cannot be opened twice, such as a pipe, stays open.
//
// Files that cannot be read are reported at the end, as damaged ones are.
// OpenFiles fails when no file can be read.
func OpenFiles(paths []string, opt Options) (*Merged, error) {
	m := new(Merged)
	for i, path := range paths {
		it := &mergeItem{path: path, opt: opt, order: i}
		st, err := os.Stat(path)
		regular := err == nil && st.Mode().IsRegular() && !(path == "-" && opt.Stdin != nil)
		switch {
		case regular && len(paths) > 1:
			it.size = st.Size()
			m.total += it.size
			m.peek(it)
			continue
		case regular:
			it.size = st.Size()
			m.total += it.size
		}
		r, err := Open(path, opt)
		if err != nil {
			m.errs = append(m.errs, err)
			continue
		}
		m.unknown = m.unknown || !regular
		it.src = r
		m.start(it)
	}
	slices.SortStableFunc(m.pending, func(a, b *mergeItem) int { return cmp.Compare(a.first, b.first) })
	if len(m.errs) > 0 && len(m.errs) == len(paths) {
		return nil, join(m.errs)
	}
	return m, nil
}

// peek finds the time of a file's first packet and appends it to the pending
// ones. A file without packets is done with.
func (m *Merged) peek(it *mergeItem) {
	opt := it.opt
	opt.small, opt.NoReadAhead = true, true
	r, err := Open(it.path, opt)
	if err != nil {
		m.errs = append(m.errs, err)
		m.read += it.size
		return
	}
	defer r.Close()
	var p [1]Packet
	n, err := r.Next(p[:])
	if n == 0 {
		m.read += it.size
		m.log.take(&r.log)
		if err != io.EOF {
			m.errs = append(m.errs, err)
		}
		return
	}
	it.first = p[0].Time
	m.pending = append(m.pending, it)
}

// start adds an open source to the active ones. Its first packets are read when
// Next comes to it.
func (m *Merged) start(it *mergeItem) {
	m.mu.Lock()
	m.open = append(m.open, it)
	m.mu.Unlock()
	it.key = minTime // so that it comes up at once
	m.push(it)
}

const minTime = -1 << 63

// Next fills dst with the next packets in the order of time.
func (m *Merged) Next(dst []Packet) (int, error) {
	if m.err != nil || len(dst) == 0 {
		return 0, m.err
	}
	n := 0
	for n < len(dst) {
		// Files that begin before, or at, what is at hand.
		for len(m.pending) > 0 && (len(m.active) == 0 || m.pending[0].first <= m.active[0].key) {
			it := m.pending[0]
			m.pending = m.pending[1:]
			m.openPending(it)
		}
		if len(m.active) == 0 {
			if n > 0 {
				return n, nil
			}
			m.err = io.EOF
			if len(m.errs) > 0 {
				m.err = join(m.errs)
			}
			return 0, m.err
		}
		it := m.active[0]
		if it.at == len(it.batch) {
			if n > 0 && len(it.batch) > 0 {
				// Its packets that are in dst die when it is read on.
				return n, nil
			}
			if it.err != nil {
				m.finish()
				continue
			}
			if len(m.active) == 1 && n == 0 {
				if k := m.straight(it, dst); k > 0 {
					return k, nil
				}
				continue
			}
			m.load(it)
			continue
		}
		limit, tie := m.bound()
		from := n
		for n < len(dst) && it.at < len(it.batch) && (it.key < limit || it.key == limit && it.order < tie) {
			dst[n] = it.batch[it.at]
			n++
			it.at++
			it.setKey()
		}
		m.origins.add(it.path, n-from)
		m.sink()
	}
	return n, nil
}

// FileOf returns the file that a packet is of, by its number in the order in which Next
// gave them, from 1. It is "" where that is not known: of open sources, and behind the
// millionth time that the packets of another file come next. It may be called at any time
// from any goroutine.
func (m *Merged) FileOf(number uint64) string { return m.origins.of(number) }

// straight reads the only active source into the caller's packets. Those from
// the time on at which another file begins are kept back.
func (m *Merged) straight(it *mergeItem, dst []Packet) int {
	n, err := it.src.Next(dst)
	it.batch, it.at, it.err = it.batch[:0], 0, err
	for i := range dst[:n] {
		if t := dst[i].Time; t != 0 {
			it.key = t
		}
		if len(m.pending) > 0 && it.key >= m.pending[0].first {
			it.batch = append(it.batch, dst[i:n]...)
			n = i
			break
		}
	}
	m.origins.add(it.path, n)
	return n
}

// load reads the next batch of the source at the top of the heap.
func (m *Merged) load(it *mergeItem) {
	if cap(it.batch) < mergeBatch {
		it.batch = make([]Packet, mergeBatch)
	}
	n, err := it.src.Next(it.batch[:mergeBatch])
	it.batch, it.at, it.err = it.batch[:n], 0, err
	it.setKey()
	m.sink()
}

// setKey takes over the time of the item's next packet, if that has one.
func (it *mergeItem) setKey() {
	if it.at < len(it.batch) {
		if t := it.batch[it.at].Time; t != 0 {
			it.key = t
		}
	}
}

// openPending opens a file whose time has come.
func (m *Merged) openPending(it *mergeItem) {
	opt := it.opt
	if len(m.active) >= manyOpen {
		opt.small, opt.NoReadAhead = true, true
	}
	r, err := Open(it.path, opt)
	if err != nil {
		m.errs = append(m.errs, err)
		m.mu.Lock()
		m.read += it.size
		m.mu.Unlock()
		return
	}
	it.src = r
	m.start(it)
}

// finish takes the source at the top of the heap out.
func (m *Merged) finish() {
	it := m.active[0]
	last := len(m.active) - 1
	m.active[0] = m.active[last]
	m.active = m.active[:last]
	m.sink()
	if it.err != io.EOF {
		m.errs = append(m.errs, it.err)
	}
	if r, ok := it.src.(interface{ Problems() ([]DamageError, int) }); ok {
		list, n := r.Problems()
		m.log.take(&problems{list: list, n: n})
	}
	if r, ok := it.src.(interface{ Drops() uint64 }); ok {
		m.lost += r.Drops()
	}
	m.mu.Lock()
	m.read += it.size
	m.open = slices.DeleteFunc(m.open, func(o *mergeItem) bool { return o == it })
	m.mu.Unlock()
	if err := it.src.Close(); err != nil {
		m.errs = append(m.errs, err)
	}
	it.batch = nil
}

// bound gives the time, and the order at that time, up to which the item at the
// top may go on before another one is next.
func (m *Merged) bound() (limit int64, order int) {
	limit, order = 1<<63-1, 1<<31-1
	for _, it := range m.active[1:min(3, len(m.active))] {
		if it.key < limit || it.key == limit && it.order < order {
			limit, order = it.key, it.order
		}
	}
	if len(m.pending) > 0 && m.pending[0].first <= limit {
		limit, order = m.pending[0].first, -1
	}
	return limit, order
}

// before says whether a's next packet goes before b's.
func (a *mergeItem) before(b *mergeItem) bool {
	return a.key < b.key || a.key == b.key && a.order < b.order
}

// push adds an item to the heap.
func (m *Merged) push(it *mergeItem) {
	h := append(m.active, it)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	m.active = h
}

// sink moves the item at the top of the heap to its place.
func (m *Merged) sink() {
	h := m.active
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// Progress returns the sums of all files; total is 0 when the size of a file
// is not known.
func (m *Merged) Progress() (read, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	read, total = m.read, m.total
	for _, it := range m.open {
		if r, ok := it.src.(*Reader); ok {
			n, _ := r.Progress()
			read += n
		}
	}
	if m.unknown {
		total = 0
	}
	return read, total
}

// Problems returns the first places of damage that were stepped over in the
// sources that have ended, and how many there were in all.
func (m *Merged) Problems() ([]DamageError, int) { return m.log.list, m.log.n }

// Drops returns how many packets were lost when the captures were made. It counts
// only sources that have ended and that record losses.
func (m *Merged) Drops() uint64 { return m.lost }

// Close closes the sources that are still open.
func (m *Merged) Close() error {
	if m.err == nil {
		m.err = errClosed
	}
	var errs []error
	for _, it := range m.active {
		if err := it.src.Close(); err != nil {
			errs = append(errs, err)
		}
	}
	m.active, m.pending = nil, nil
	m.mu.Lock()
	m.open = nil
	m.mu.Unlock()
	return join(errs)
}

// join is errors.Join that leaves a single error as it is.
func join(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

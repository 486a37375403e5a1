package rotate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/portannot/portannot/cmd/internal/outfile"
)

const (
	maxWaiting = 64              // closed files that are held open; of more, the names are looked for later
	endWait    = 5 * time.Second // for the compression of closed files, at the end
)

// closer does in the background what is slow with files that were closed: one at a
// time, so that a run that writes is not kept from it.
type closer struct {
	file   *File
	wait   chan closedFile
	idle   chan struct{} // closed when nothing waits any more
	more   atomic.Bool   // there are closed files that do not wait
	ctx    context.Context
	cancel context.CancelFunc

	pending map[string]bool // the names in wait; guarded by the lock of file
}

// closedFile is a file to which nothing more is written. It is read by what is open:
// a user who may no longer open it, since root was given up, still has that.
type closedFile struct {
	f    file
	name string // "": somebody else renamed it, and deals with it
}

func newCloser(f *File) *closer {
	c := &closer{file: f, wait: make(chan closedFile, maxWaiting), idle: make(chan struct{}), pending: map[string]bool{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.run()
	return c
}

// take takes a file to be closed. The caller has the lock of file, but for leftovers.
func (c *closer) take(f file, name string) {
	select {
	case c.wait <- closedFile{f, name}:
		if name != "" {
			c.pending[name] = true
		}
	default:
		f.Close()
		switch {
		case c.file.opt.Compress == "" || name == "":
		case c.file.opt.Tcpdump == nil:
			c.more.Store(true)
		default: // there is no telling which names are of this run
			c.file.failed(&c.file.account.Compress, fmt.Errorf("%s: not compressed: %d others wait", name, maxWaiting))
		}
	}
}

// leftovers has files compressed that an earlier run closed and did not compress, and
// the ones removed that are too old.
func (c *closer) leftovers() {
	c.more.Store(c.file.opt.Compress != "")
	c.take(nil, "")
}

// rest compresses closed files that do not wait. The lock keeps it from seeing a name
// that was just claimed, and whose file is still written.
func (c *closer) rest() {
	c.file.mu.Lock()
	groups, err := closedFiles(c.file.given)
	groups = slices.DeleteFunc(groups, func(names []string) bool { return c.pending[names[0]] })
	c.file.mu.Unlock()
	if err != nil {
		c.failed(&c.file.account.Compress, err)
	}
	for _, names := range groups {
		if ext := filepath.Ext(names[0]); ext == ".gz" || ext == ".zst" {
			continue
		}
		f, err := os.Open(names[0])
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				c.failed(&c.file.account.Compress, err)
			}
			continue
		}
		c.finish(closedFile{f, names[0]})
	}
}

func (c *closer) run() {
	defer close(c.idle)
	for got := range c.wait {
		c.prune()
		if got.f != nil {
			c.finish(got)
		}
		if len(c.wait) == 0 && c.more.Swap(false) {
			c.rest()
		}
	}
}

// finish does what is to be done with one file.
func (c *closer) finish(got closedFile) {
	defer got.f.Close()
	_ = got.f.Sync() // so that a loss of power leaves no closed file without content
	if got.name != "" && c.file.opt.Compress != "" && c.ctx.Err() == nil {
		if err := c.compress(got); err != nil && !errors.Is(err, context.Canceled) {
			c.failed(&c.file.account.Compress, fmt.Errorf("compress %s: %w", got.name, err))
		}
	}
	c.file.mu.Lock()
	delete(c.pending, got.name)
	c.file.mu.Unlock()
}

func (c *closer) failed(kind *uint64, err error) {
	c.file.mu.Lock()
	defer c.file.mu.Unlock()
	*kind++
	c.file.fault = err.Error()
}

// prune removes the oldest closed files.
func (c *closer) prune() {
	keep := c.file.opt.Keep
	if keep == 0 {
		return
	}
	groups, err := closedFiles(c.file.given)
	if err != nil {
		c.failed(&c.file.account.Remove, err)
		return
	}
	for _, names := range groups[:max(0, len(groups)-keep)] {
		for _, name := range names {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				c.failed(&c.file.account.Remove, err)
			}
		}
	}
}

// compress puts a compressed file in the place of one that was closed.
func (c *closer) compress(in closedFile) error {
	st, err := in.f.Stat()
	if err != nil {
		return err
	}
	still := func() bool { // not removed meanwhile, nor overwritten in a ring
		now, err := os.Stat(in.name)
		return err == nil && os.SameFile(st, now)
	}
	if !still() {
		return nil
	}
	out, err := outfile.CreateMode(in.name+suffixes[c.file.opt.Compress], st.Mode().Perm())
	if err != nil {
		return err
	}
	defer out.Discard()
	var z io.WriteCloser = gzip.NewWriter(out)
	if c.file.opt.Compress == "zstd" {
		if z, err = zstd.NewWriter(out, zstd.WithEncoderConcurrency(1)); err != nil {
			return err
		}
	}
	if _, err := io.Copy(z, &untilDone{c.ctx, io.NewSectionReader(in.f, 0, st.Size())}); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if n := c.file.opt.Tcpdump; n != nil && n.ring(&c.file.opt) {
		// It opens files of this name again, and removes the compressed ones.
		c.file.mu.Lock()
		defer c.file.mu.Unlock()
	}
	if !still() {
		return nil
	}
	if err := out.Commit(); err != nil {
		return err
	}
	return os.Remove(in.name)
}

// untilDone is a reader that fails when ctx is done.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// end waits until all is done, but for no longer than endWait: files that are still
// to be compressed stay as they are, and a later run compresses them.
func (c *closer) end() {
	close(c.wait)
	t := time.AfterFunc(endWait, c.cancel)
	<-c.idle
	t.Stop()
	c.cancel()
}

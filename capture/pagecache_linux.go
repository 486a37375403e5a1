package capture

import (
	"io"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// file is a regular file. What the page cache holds of it is read without telling
// the runtime of the system call: that takes the processor away from a goroutine
// which is in a call for more than some 20 microseconds, and with one processor
// each read of 512 KiB cost nearly three changes of thread (measured: a
// twentieth of the run). A read that may wait for a device is an ordinary one.
type file struct {
	*os.File
	conn  syscall.RawConn
	flags uintptr     // with which a read does not wait
	waits atomic.Bool // there are no such reads, on this file system or kernel
}

func newFile(f *os.File) *file {
	c := &file{File: f, flags: unix.RWF_NOWAIT}
	var err error
	if c.conn, err = f.SyscallConn(); err != nil {
		c.waits.Store(true)
		return c
	}
	var st unix.Statfs_t
	err = c.conn.Control(func(fd uintptr) {
		if unix.Fstatfs(int(fd), &st) == nil && st.Type == unix.TMPFS_MAGIC {
			c.flags = 0 // it does not know RWF_NOWAIT, and is memory
		}
	})
	if err != nil {
		c.waits.Store(true)
	}
	return c
}

// Read reads at the file's position.
func (c *file) Read(p []byte) (int, error) {
	if n, err, ok := c.cached(p, -1); ok {
		return n, err
	}
	return c.File.Read(p)
}

// ReadAt reads at an offset; unlike io.ReaderAt it may read less than asked for.
func (c *file) ReadAt(p []byte, off int64) (int, error) {
	if n, err, ok := c.cached(p, off); ok {
		return n, err
	}
	return c.File.ReadAt(p, off)
}

// cached reads what the page cache holds, at the file's position where off is -1.
// It is not ok where that is nothing.
func (c *file) cached(p []byte, off int64) (n int, err error, ok bool) {
	if len(p) == 0 || c.waits.Load() {
		return 0, nil, false
	}
	r := requests.Get().(*request)
	defer requests.Put(r)
	r.into.Base, r.off, r.flags = unsafe.SliceData(p), off, c.flags
	r.into.SetLen(min(len(p), math.MaxInt32))
	err = c.conn.Control(r.do)
	got, errno := r.got, r.errno
	r.into.Base = nil
	switch {
	case err != nil:
		return 0, nil, false // an ordinary read says why
	case errno == 0 && got == 0:
		return 0, io.EOF, true
	case errno == 0:
		return got, nil, true
	case errno != unix.EAGAIN && errno != unix.EINTR:
		c.waits.Store(true)
	}
	return 0, nil, false
}

// A request is a system call's arguments and results. They stand in memory that
// is used again, for Control would have a closure allocated for each call.
type request struct {
	into  unix.Iovec
	off   int64
	flags uintptr
	got   int
	errno syscall.Errno
	do    func(fd uintptr)
}

var requests = sync.Pool{New: func() any {
	r := new(request)
	r.do = r.read
	return r
}}

func (r *request) read(fd uintptr) {
	n, _, errno := unix.RawSyscall6(unix.SYS_PREADV2, fd, uintptr(unsafe.Pointer(&r.into)), 1, uintptr(r.off), uintptr(r.off>>32), r.flags)
	r.got, r.errno = int(n), errno
}

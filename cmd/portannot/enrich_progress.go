package main

import (
	"io"
	"os"
	"sync/atomic"
)

// readSoFar counts what is read of files, for the progress.
type readSoFar struct {
	read  atomic.Int64
	total int64 // 0 when it is not known
}

// newReadSoFar adds up the sizes of files. Of standard input and of what is no
// regular file there is none.
func newReadSoFar(files []string) *readSoFar {
	r := new(readSoFar)
	for _, name := range files {
		st, err := os.Stat(name)
		if name == "-" || err == nil && !st.Mode().IsRegular() {
			r.total = 0
			break
		}
		if err == nil { // else it will be reported
			r.total += st.Size()
		}
	}
	return r
}

// Progress gives bytes; see capture.Reader.
func (r *readSoFar) Progress() (read, total int64) { return r.read.Load(), r.total }

// of counts what is read of one file.
func (r *readSoFar) of(in io.Reader) io.Reader { return &counted{in, &r.read} }

type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// showProgress shows how far the reading got, unless the output goes to the
// same terminal.
func (j *enrichJob) showProgress() *progress {
	quiet := j.quiet || j.follow || isTerminal(j.env.stdout)
	return (&job{env: j.env, quiet: quiet}).showProgress(j.read)
}

// warnf is env.warnf beside a progress.
func (j *enrichJob) warnf(format string, args ...any) {
	if j.progress != nil {
		j.progress.clear()
	}
	j.env.warnf(format, args...)
}

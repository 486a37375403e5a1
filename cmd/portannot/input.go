package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/portannot/portannot/capture"
)

// fileSource is a source over files.
type fileSource interface {
	capture.Source
	Problems() ([]capture.DamageError, int)
	Progress() (read, total int64)
}

// expand turns the arguments into paths. An argument that gives none is
// reported, and the others are kept.
func (j *job) expand() (paths []string, skipped int, failed bool) {
	for _, arg := range j.files {
		found, n, err := capture.Expand([]string{arg}, j.recursive)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			j.env.warnf("%s: no such file", arg)
		case errors.Is(err, capture.ErrDirectory):
			j.env.warnf("%s is a directory", arg)
			j.env.warnf("hint: --recursive reads the captures in it")
		case err != nil:
			j.env.warnf("%v", err)
		}
		failed = failed || err != nil
		paths = append(paths, found...)
		skipped += n
	}
	return paths, skipped, failed
}

// open opens the paths as one stream of packets ordered by time.
func (j *job) open(ctx context.Context, paths []string) (fileSource, error) {
	opt := capture.Options{Stdin: j.env.stdin, Context: ctx}
	switch {
	case j.follow:
		return capture.Follow(ctx, paths[0], opt)
	case len(paths) == 1:
		return capture.Open(paths[0], opt)
	}
	return capture.OpenFiles(paths, opt)
}

// read takes all packets of a source. The error says all that went wrong,
// damage that was stepped over included; it is nil at the end of an intact one.
func read(ctx context.Context, m *meter, src fileSource) error {
	var err error
	for ctx.Err() == nil && err == nil {
		var n int
		n, err = src.Next(m.batch[:])
		if takeErr := m.take(m.batch[:n]); takeErr != nil {
			err = takeErr
		}
	}
	if m.feeder != nil {
		m.feeder.finish()
	}
	if err == io.EOF {
		err = nil
	}
	list, n := src.Problems()
	errs := make([]error, 0, len(list)+2)
	for i := range list {
		errs = append(errs, &list[i])
	}
	if n > len(list) {
		errs = append(errs, fmt.Errorf("%d more places of damage", n-len(list)))
	}
	return errors.Join(append(errs, err)...)
}

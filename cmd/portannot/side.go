package main

import (
	"context"
	"os"

	"github.com/portannot/portannot/capture"
)

// sideFile is a file that is read whole before the work begins: a registry, names, a
// policy, rules. It may be a named pipe, or what a shell's <(...) gives: then a writer,
// and each byte, is waited for until ctx is done.
type sideFile struct {
	f    *os.File
	ctx  context.Context
	stop func() bool
}

func openSide(ctx context.Context, path string) (*sideFile, error) {
	f, err := capture.OpenFile(ctx, path)
	if err != nil {
		return nil, err
	}
	return &sideFile{f, ctx, context.AfterFunc(ctx, func() { f.Close() })}, nil
}

func (s *sideFile) Read(p []byte) (int, error) {
	n, err := s.f.Read(p)
	if err != nil && s.ctx.Err() != nil {
		err = context.Cause(s.ctx)
	}
	return n, err
}

func (s *sideFile) Close() error {
	s.stop()
	return s.f.Close()
}

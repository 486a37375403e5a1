//go:build !linux

package capture

import "os"

// file is a regular file.
type file struct{ *os.File }

func newFile(f *os.File) *file { return &file{f} }

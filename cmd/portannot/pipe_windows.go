package main

import (
	"errors"
	"syscall"
)

func ignoreSIGPIPE() {}

// errorNoData is ERROR_NO_DATA, "the pipe is being closed": what WriteFile
// gives once the reader has closed its end. ERROR_BROKEN_PIPE, "the pipe has
// been ended", comes when the reader's process is gone.
const errorNoData syscall.Errno = 232

func isClosedPipe(err error) bool {
	return errors.Is(err, errorNoData) || errors.Is(err, syscall.ERROR_BROKEN_PIPE)
}

//go:build unix

package main

import (
	"errors"
	"os/signal"
	"syscall"
)

// ignoreSIGPIPE has writes to a closed pipe come back as errors also on
// standard output, where they would end the program.
func ignoreSIGPIPE() { signal.Ignore(syscall.SIGPIPE) }

func isClosedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

//go:build !unix

package main

import (
	"os"
	"syscall"
)

// endSignals are the signals that ask the program to end.
func endSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

func dieOf(os.Signal) { os.Exit(exitFailure) }

//go:build !unix

package main

import (
	"os"
	"syscall"
)

// endSignals are the signals that ask the program to end.
func endSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// accountSignal is nil: these systems have none that asks for an account.
var accountSignal os.Signal

// reopenSignal is nil as well.
var reopenSignal os.Signal

func dieOf(os.Signal) { os.Exit(exitFailure) }

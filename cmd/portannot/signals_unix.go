//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// endSignals are the signals that ask the program to end. A hang-up that was
// ignored at the start, as nohup does, stays ignored.
func endSignals() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// accountSignal asks for the account so far.
var accountSignal os.Signal = syscall.SIGUSR1

// reopenSignal asks to open the output again by its name, after it was renamed.
var reopenSignal os.Signal = syscall.SIGUSR2

// dieOf ends the program as the signal would have, so that a shell sees it.
func dieOf(sig os.Signal) {
	signal.Reset(sig)
	if s, ok := sig.(syscall.Signal); ok {
		_ = syscall.Kill(os.Getpid(), s)
	}
	select {} // the signal is on its way
}

package main

import (
	"github.com/portannot/portannot/cmd/internal/outfile"
)

// inputState is how much of its input a run read.
type inputState uint8

const (
	inputWhole   inputState = iota
	inputDamaged            // part of it was unreadable
	inputCut                // a signal ended the reading
)

// mayInstall reports whether a file that was made from input in such a state may
// take its name: from all of the input always, from a damaged one unless that
// would replace an older file, from the beginning of one never. It says on
// standard error what is not written.
func (e *env) mayInstall(flag string, f *outfile.File, in inputState) bool {
	switch {
	case in == inputCut:
		e.warnf("%s %s: not written, since the reading was interrupted", flag, f.Path())
		return false
	case in == inputDamaged && f.Replaces():
		e.warnf("%s %s: the older file stays, since part of the input was unreadable", flag, f.Path())
		e.warnf("hint: name a new file to write what could be read")
		return false
	}
	return true
}

//go:build !linux

package sandbox

import "runtime"

// Apply does nothing on this system. It returns a line that says so.
func Apply(Options) (what []string, err error) {
	return []string{"no sandbox: there is none for " + runtime.GOOS}, nil
}

//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package sandbox

import (
	"errors"
	"runtime"
)

// keepCapabilities cannot keep a part of root's rights.
func keepCapabilities() error {
	return errors.New(runtime.GOOS + " knows all of root's rights or none")
}

// dropCapabilities has nothing to do.
func dropCapabilities([]capability) ([]string, error) { return nil, nil }

// neededCapabilities says that root is needed for files that are opened later.
func neededCapabilities(_, _ int, opt Options) (need []capability) {
	if len(opt.Write)+len(opt.Rename)+len(opt.Read) > 0 {
		need = append(need, capability{name: "root"})
	}
	return need
}

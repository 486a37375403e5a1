//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package sandbox

import (
	"fmt"
	"runtime"
)

// DropPrivileges does nothing on this system. It is an error to ask for a
// user.
func DropPrivileges(name string, _ Options) (kept []string, err error) {
	if name != "" {
		return nil, fmt.Errorf("drop privileges to user %s: not possible on %s", name, runtime.GOOS)
	}
	return nil, nil
}

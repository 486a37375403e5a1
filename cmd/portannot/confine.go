package main

import (
	"os"
	"slices"
	"strings"

	"github.com/portannot/portannot/capture/sandbox"
)

// confine gives up root for a user, and all that opt does not name. It is for
// runs that read for long what strangers send, and is called when their sockets
// and files are open. For an empty user root stays root.
func (e *env) confine(user string, verbose bool, opt sandbox.Options) error {
	if user != "" && os.Geteuid() == 0 {
		if err := sandbox.DropPrivileges(user); err != nil {
			return withHint(err, "--user '' stays root")
		}
		if verbose {
			e.warnf("privileges dropped: now user %s", user)
		}
	}
	// What the user may not reach, the sandbox cannot allow.
	unreachable := func(name string) bool {
		_, err := os.Stat(name)
		return err != nil
	}
	opt.Read = slices.DeleteFunc(slices.Clone(opt.Read), unreachable)
	opt.Write = slices.DeleteFunc(slices.Clone(opt.Write), unreachable)
	what, err := sandbox.Apply(opt)
	if !verbose {
		return nil // a kernel without it is no reason to stop
	}
	if err != nil {
		e.warnf("sandbox: %v", err)
	}
	if len(what) == 0 {
		what = []string{"none"}
	}
	e.warnf("sandbox: %s", strings.Join(what, "; "))
	return nil
}

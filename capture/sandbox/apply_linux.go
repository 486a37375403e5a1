package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Apply restricts the process for good. It returns a line for people about each
// restriction. The line says that the restriction applies, or that this kernel
// or build does not support it, which is not an error. If Apply fails, the
// restrictions that it returns still apply.
//
// A second call can only add restrictions.
func Apply(opt Options) (what []string, err error) {
	// The time zone is read from a file when it is used first.
	_, _ = time.Now().Zone()

	// Both need the promise that no program that is started gains rights. No
	// program can be started later, so it costs nothing.
	if err := setNoNewPrivileges(); err != nil {
		return what, fmt.Errorf("sandbox: no new privileges: %w", err)
	}
	what = append(what, "no new privileges")
	words, err := restrictFiles(opt)
	if err != nil {
		return what, fmt.Errorf("sandbox: landlock: %w", err)
	}
	what = append(what, words)
	words, err = restrictCalls(opt)
	if err != nil {
		return what, fmt.Errorf("sandbox: seccomp: %w", err)
	}
	return append(what, words), nil
}

// errCgo is why something that the kernel only has for a single thread could
// not be done for all. Without cgo the Go runtime made all threads and can do
// a system call on each.
var errCgo = errors.New("the program is built with cgo, CGO_ENABLED=0 can have it")

// onAllThreads does a system call on each thread. Its arguments must not be
// pointers.
func onAllThreads(call, a, b, c, d uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(call, a, b, c, d, 0, 0)
	switch errno {
	case 0:
		return nil
	case unix.ENOTSUP:
		return errCgo
	}
	return errno
}

func setNoNewPrivileges() error {
	err := onAllThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0)
	if errors.Is(err, errCgo) {
		// Of this thread; seccomp spreads it to all others.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	return err
}

// files lists what may be opened, or renamed in.
func (o Options) files() []string { return slices.Concat(o.Write, o.Rename, o.Read, o.ReadIfAllowed) }

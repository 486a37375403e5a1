package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// keepCapabilities has a change from root to another user leave the permitted
// capabilities, of which dropCapabilities keeps some.
func keepCapabilities() error {
	return onAllThreads(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0, 0)
}

// dropCapabilities empties the sets of all threads, but for what is needed. The change
// from root to another user empties them too, but not where securebits say otherwise,
// and a capability can come with the program's file instead.
func dropCapabilities(need []capability) (kept []string, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // of 32 capabilities each
	if err := unix.Capget(&header, &data[0]); err != nil {
		return nil, err
	}
	if data == [2]unix.CapUserData{} {
		return nil, nil
	}
	var left [2]unix.CapUserData
	for _, c := range need {
		if bit := uint32(1) << c.number; data[0].Permitted&bit != 0 {
			left[0].Permitted |= bit
			left[0].Effective |= bit
			kept = append(kept, fmt.Sprintf("%s, to %s", c.name, some(c.why)))
		}
	}
	header = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&left[0])), 0)
	switch errno {
	case 0:
		return kept, nil
	case unix.ENOTSUP:
		return nil, errCgo
	}
	return nil, errno
}

// neededCapabilities says which of root's rights a user lacks for the files of opt.
// Which files will be in a folder is not known, nor who may read them.
func neededCapabilities(uid, gid int, opt Options) (need []capability) {
	override := capability{number: unix.CAP_DAC_OVERRIDE, name: "CAP_DAC_OVERRIDE"}
	owner := capability{number: unix.CAP_FOWNER, name: "CAP_FOWNER"}
	search := capability{number: unix.CAP_DAC_READ_SEARCH, name: "CAP_DAC_READ_SEARCH"}
	asUser(uid, gid, func(may func(path string, mode uintptr) bool) {
		for _, list := range [][]string{opt.Write, opt.Rename} {
			for _, path := range list {
				info, err := os.Stat(path)
				mode := uintptr(unix.W_OK)
				if err != nil || info.IsDir() {
					mode |= unix.X_OK
				}
				if !may(path, mode) {
					override.why = append(override.why, "write in "+path)
				}
				// In a folder such as /tmp, only its owner may rename a file of another.
				if err == nil && info.Mode()&os.ModeSticky != 0 {
					owner.why = append(owner.why, "rename in "+path)
				}
			}
		}
		for _, path := range opt.Read {
			if info, err := os.Stat(path); err != nil || info.IsDir() || !may(path, unix.R_OK) {
				search.why = append(search.why, "read "+path)
			}
		}
	})
	for _, c := range []capability{override, owner, search} {
		if len(c.why) > 0 {
			need = append(need, c)
		}
	}
	return need
}

// asUser calls f on a thread that reaches files as a user does. may says whether the
// user may use a file in some way.
func asUser(uid, gid int, f func(may func(path string, mode uintptr) bool)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		groups, err := unix.Getgroups()
		if err != nil {
			f(func(string, uintptr) bool { return false })
			return // with the thread
		}
		// These change this thread only.
		_ = unix.Setgroups([]int{gid})
		gidBefore, _ := unix.SetfsgidRetGid(gid)
		uidBefore, _ := unix.SetfsuidRetUid(uid)
		f(func(path string, mode uintptr) bool {
			name, err := unix.BytePtrFromString(path)
			if err != nil {
				return false
			}
			folder := unix.AT_FDCWD
			_, _, errno := unix.Syscall6(unix.SYS_FACCESSAT2, uintptr(folder), uintptr(unsafe.Pointer(name)), mode, unix.AT_EACCESS, 0, 0)
			return errno == 0 // also false where the kernel is older than 5.8
		})
		_ = unix.Setfsuid(uidBefore)
		_ = unix.Setfsgid(gidBefore)
		if unix.Setgroups(groups) == nil {
			runtime.UnlockOSThread()
		}
	}()
	<-done
}

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// defaultUser owns nothing. Systems without a list of users, such as most
// containers, have its usual number all the same.
const (
	defaultUser = "nobody"
	nobody      = 65534
)

// DropPrivileges changes from root to an ordinary user with only that user's
// primary group. On Linux it also gives up the capabilities of the process. Root keeps
// those without which the user could not open or rename the files of opt; a line for
// people about each says what it is, and what for. This cannot be undone. name is the name or number of a user. If it is empty, root becomes "nobody",
// and any other user stays as it is.
//
// After an error the process may have some rights of both users and should exit,
// unless the error is [ErrRootNeeded]: then nothing has changed.
func DropPrivileges(name string, opt Options) (kept []string, err error) {
	if os.Geteuid() != 0 {
		if name != "" {
			return nil, fmt.Errorf("drop privileges to user %s: only root can become another user", name)
		}
		if _, err := dropCapabilities(nil); err != nil {
			return nil, fmt.Errorf("drop capabilities: %w", err)
		}
		return nil, nil
	}
	if name == "" {
		name = defaultUser
	}
	uid, gid, err := findUser(name)
	if err != nil {
		return nil, fmt.Errorf("drop privileges to user %s: %w", name, err)
	}
	if uid == 0 {
		return nil, fmt.Errorf("drop privileges to user %s: that is root", name)
	}
	need := neededCapabilities(uid, gid, opt)
	if len(need) > 0 {
		if err := keepCapabilities(); err != nil {
			return nil, fmt.Errorf("%w (%s): %w", ErrRootNeeded, some(need[0].why), err)
		}
	}
	if kept, err = become(uid, gid, need); err != nil {
		return nil, fmt.Errorf("drop privileges to user %s (%d:%d): %w", name, uid, gid, err)
	}
	return kept, nil
}

// capability is a right of root that some files need.
type capability struct {
	number uint // of Linux
	name   string
	why    []string
}

// become changes the groups first, for which it must still be root. These
// functions of package syscall change all threads, and for root all of the
// real, effective and saved identities.
func become(uid, gid int, need []capability) (kept []string, err error) {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return nil, os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setgid(gid); err != nil {
		return nil, os.NewSyscallError("setgid", err)
	}
	if err := syscall.Setuid(uid); err != nil {
		return nil, os.NewSyscallError("setuid", err)
	}
	if kept, err = dropCapabilities(need); err != nil {
		return nil, fmt.Errorf("capabilities: %w", err)
	}
	if os.Getuid() != uid || os.Geteuid() != uid || os.Getgid() != gid || os.Getegid() != gid {
		return nil, errors.New("the system kept the old user")
	}
	if syscall.Setuid(0) == nil {
		return nil, errors.New("the way back to root is open")
	}
	return kept, nil
}

func findUser(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		if number, atoi := strconv.ParseUint(name, 10, 31); atoi == nil {
			// A number without an account has a group of the same number.
			uid, gid = int(number), int(number)
			if u, err := user.LookupId(name); err == nil {
				gid, err = strconv.Atoi(u.Gid)
				return uid, gid, err
			}
			return uid, gid, nil
		}
		if name == defaultUser {
			return nobody, nobody, nil
		}
		return 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

// some names the first of many.
func some(names []string) string {
	const most = 4
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

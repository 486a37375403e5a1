//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// defaultUser owns nothing. Systems without a list of users, such as most
// containers, have its usual number all the same.
const (
	defaultUser = "nobody"
	nobody      = 65534
)

// DropPrivileges changes from root to an ordinary user with only that user's
// primary group. On Linux it also gives up the capabilities of the process. This
// cannot be undone. name is the name or number of a user. If it is empty, root
// becomes "nobody", and any other user stays as it is. After an error the process
// may have some rights of both users and should exit.
func DropPrivileges(name string) error {
	if os.Geteuid() != 0 {
		if name != "" {
			return fmt.Errorf("drop privileges to user %s: only root can become another user", name)
		}
		if err := dropCapabilities(); err != nil {
			return fmt.Errorf("drop capabilities: %w", err)
		}
		return nil
	}
	if name == "" {
		name = defaultUser
	}
	uid, gid, err := findUser(name)
	if err != nil {
		return fmt.Errorf("drop privileges to user %s: %w", name, err)
	}
	if uid == 0 {
		return fmt.Errorf("drop privileges to user %s: that is root", name)
	}
	if err := become(uid, gid); err != nil {
		return fmt.Errorf("drop privileges to user %s (%d:%d): %w", name, uid, gid, err)
	}
	return nil
}

// become changes the groups first, for which it must still be root. These
// functions of package syscall change all threads, and for root all of the
// real, effective and saved identities.
func become(uid, gid int) error {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setgid(gid); err != nil {
		return os.NewSyscallError("setgid", err)
	}
	if err := syscall.Setuid(uid); err != nil {
		return os.NewSyscallError("setuid", err)
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	if os.Getuid() != uid || os.Geteuid() != uid || os.Getgid() != gid || os.Getegid() != gid {
		return errors.New("the system kept the old user")
	}
	if syscall.Setuid(0) == nil {
		return errors.New("the way back to root is open")
	}
	return nil
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

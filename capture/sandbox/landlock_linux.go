package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock (Documentation/userspace-api/landlock.rst) denies each kind of
// access that a ruleset names, but below the paths of its rules. Files that
// are open keep what they were opened with. Each version of its interface
// knows more kinds.
const (
	readFile   = unix.LANDLOCK_ACCESS_FS_READ_FILE
	readFolder = readFile | unix.LANDLOCK_ACCESS_FS_READ_DIR
	// writeFile is what may be done with a file that can be written.
	writeFile = readFile | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	// writeFolder is what may be done below a folder that can be written: all
	// with files and folders, nothing with devices, sockets and programs.
	writeFolder = writeFile | readFolder |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REFER
	// renameFolder is what giving a file another name in its folder takes.
	renameFolder = unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
)

// handled gives all accesses that version abi of the interface can deny.
func handled(abi int, network bool) unix.LandlockRulesetAttr {
	a := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	if abi >= 2 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 && !network {
		a.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 5 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 && !network {
		a.Scoped |= unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	}
	return a
}

// threadSignalsFixed is the erratum of kernels in which the scope for signals
// lets those between threads of one process pass. The Go runtime lives by
// such signals, and each thread is in a domain of its own here.
const threadSignalsFixed = 1 << 1

// threadSyncABI is the first version that can restrict all threads with one
// call, which cgo programs need.
const threadSyncABI = 8

// restrictFiles applies Landlock, and says what it did or why it could not.
func restrictFiles(opt Options) (string, error) {
	abi, err := landlockVersion(unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case err == unix.ENOSYS:
		return "no Landlock: the kernel has none (Linux 5.13 and later can)", nil
	case err == unix.EOPNOTSUPP:
		return "no Landlock: it was not enabled when the system started", nil
	case err == unix.EPERM:
		return "no Landlock: the container does not allow it", nil
	case err != nil:
		return "", err
	}
	attr := handled(abi, opt.Network)
	if errata, err := landlockVersion(unix.LANDLOCK_CREATE_RULESET_ERRATA); err == nil && abi >= 6 && errata&threadSignalsFixed != 0 {
		attr.Scoped |= unix.LANDLOCK_SCOPE_SIGNAL
	}
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return "", fmt.Errorf("create ruleset: %w", errno)
	}
	defer unix.Close(int(ruleset))
	for _, group := range []struct {
		paths        []string
		file, folder uint64
	}{
		{opt.Write, writeFile, writeFolder},
		{opt.Rename, 0, renameFolder},
		{opt.Read, readFile, readFolder},
		{opt.ReadIfAllowed, readFile, readFolder},
	} {
		for _, path := range group.paths {
			if err := allow(int(ruleset), path, group.file, group.folder, attr.Handled_access_fs); err != nil {
				return "", err
			}
		}
	}
	if abi >= threadSyncABI {
		_, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, unix.LANDLOCK_RESTRICT_SELF_TSYNC, 0)
		if errno != 0 {
			return "", fmt.Errorf("restrict: %w", errno)
		}
	} else if err := onAllThreads(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0, 0); errors.Is(err, errCgo) {
		return "no Landlock: " + err.Error(), nil
	} else if err != nil {
		return "", fmt.Errorf("restrict: %w", err)
	}
	return landlockWords(abi, attr, opt), nil
}

func landlockWords(abi int, attr unix.LandlockRulesetAttr, opt Options) string {
	words := fmt.Sprintf("Landlock %d: no files but open ones", abi)
	if files := opt.files(); len(files) > 0 {
		words += " and " + some(files)
	}
	if attr.Handled_access_net != 0 {
		words += ", no TCP"
	}
	if attr.Scoped&unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET != 0 {
		words += ", no abstract sockets"
	}
	if attr.Scoped&unix.LANDLOCK_SCOPE_SIGNAL != 0 {
		words += ", no signals to other programs"
	}
	return words
}

// landlockVersion asks create_ruleset for a number instead of a ruleset.
func landlockVersion(flag uintptr) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, flag)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// allow adds a rule that gives access to a file, or to what is below a folder.
func allow(ruleset int, path string, file, folder, handled uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: file & handled, Parent_fd: int32(fd)}
	if info.IsDir() {
		rule.Allowed_access = folder & handled
	}
	if rule.Allowed_access == 0 {
		return nil // which the kernel takes for a mistake
	}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	switch errno {
	case 0, unix.EBADFD: // pipes without a name, as of a shell's <(...), are none of Landlock's
		return nil
	}
	return fmt.Errorf("allow %s: %w", path, errno)
}

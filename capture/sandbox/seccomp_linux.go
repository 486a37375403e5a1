//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The filter refuses what is listed and allows the rest. A list of what is
// allowed would be stricter, but which calls the Go runtime makes, and when,
// changes with its version and with the machine; a call that is missing there
// would end a capture on the one system where it is made. Refused calls fail
// with an error that a program handles anyway, and do not kill it, so that a
// mistake here costs a function and not the packets that were counted.
//
// The kernel keeps a bitmap of the calls that a filter always allows
// (Linux 5.11), so that these cost nothing.

// refused are calls that the process never needs after Apply.
var refused = []uint32{
	// Other programs. Threads are left, see argumentRules.
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_MEMFD_CREATE, unix.SYS_PERSONALITY,
	// Other processes.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE,
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_KCMP,
	unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
	unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES,
	unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_SHMGET, unix.SYS_MQ_OPEN,
	// Namespaces and file systems.
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
	unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR, unix.SYS_MOVE_MOUNT, unix.SYS_MOUNT_SETATTR,
	unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT,
	unix.SYS_FANOTIFY_INIT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_MKNODAT,
	// Attributes of files, which Landlock leaves alone.
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT, unix.SYS_FILE_SETATTR,
	// The kernel: its programs, keys, clocks and settings, and the large
	// interfaces in which most of its holes were found.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
	unix.SYS_REBOOT, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_SYSLOG, unix.SYS_VHANGUP,
	unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL, unix.SYS_REMAP_FILE_PAGES,
}

// refusedNetwork are the calls on sockets, but for those that the open ones
// need. Without the sending calls, the capture socket cannot easily be used to
// forge packets.
var refusedNetwork = []uint32{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_BIND, unix.SYS_CONNECT, unix.SYS_LISTEN,
	unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
}

// refusedAccept are the calls that take a connection.
var refusedAccept = []uint32{unix.SYS_ACCEPT, unix.SYS_ACCEPT4}

// refusedFiles are the calls that open or change files by name. They are
// refused when Options has none: then seccomp keeps Landlock's promise where
// the kernel has no Landlock.
var refusedFiles = []uint32{
	unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_TRUNCATE, unix.SYS_MKDIRAT, unix.SYS_UNLINKAT,
	unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT,
}

// Offsets in struct seccomp_data. Of the 64 bits of an argument the lower
// half is looked at, which comes first on the little-endian machines that this
// file is for.
const (
	callOffset      = 0
	machineOffset   = 4
	argumentsOffset = 16
)

func argument(n uint32) bpf.Instruction {
	return bpf.LoadAbsolute{Off: argumentsOffset + 8*n, Size: 4}
}

func refuse(errno unix.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

var (
	allowed = bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	killed  = bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS}
)

// rule is what is done with one call. Its instructions all return.
type rule struct {
	call uint32
	then []bpf.Instruction
}

// argumentRules are calls that depend on their arguments.
func argumentRules(pid uint32) []rule {
	onlySelf := []bpf.Instruction{
		argument(0),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: pid, SkipFalse: 1},
		allowed,
		refuse(unix.EPERM),
	}
	// Nothing in this process makes machine code.
	notExecutable := []bpf.Instruction{
		argument(2),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: unix.PROT_EXEC, SkipTrue: 1},
		allowed,
		refuse(unix.EPERM),
	}
	return []rule{
		// The runtime makes threads, and stops them with signals.
		{unix.SYS_CLONE, []bpf.Instruction{
			argument(0),
			bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: unix.CLONE_THREAD, SkipFalse: 1},
			allowed,
			refuse(unix.EPERM),
		}},
		// Its arguments are in memory, out of a filter's sight. Callers fall
		// back to clone when the kernel does not have it.
		{unix.SYS_CLONE3, []bpf.Instruction{refuse(unix.ENOSYS)}},
		{unix.SYS_KILL, onlySelf},
		{unix.SYS_TGKILL, onlySelf},
		{unix.SYS_MMAP, notExecutable},
		{unix.SYS_MPROTECT, notExecutable},
		{unix.SYS_PKEY_MPROTECT, notExecutable},
		// Typing into the terminal from which the program was started.
		{unix.SYS_IOCTL, []bpf.Instruction{
			argument(1),
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.TIOCSTI, SkipTrue: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.TIOCLINUX, SkipTrue: 1},
			allowed,
			refuse(unix.EPERM),
		}},
	}
}

// callFilter makes the program, and says how many calls it refuses outright.
func callFilter(opt Options, pid int) (program []bpf.RawInstruction, refusals int, err error) {
	instructions := []bpf.Instruction{
		// A call by the conventions of another machine, such as a 32-bit one,
		// has other numbers. The program itself never makes one.
		bpf.LoadAbsolute{Off: machineOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: machine, SkipTrue: 1},
		killed,
		bpf.LoadAbsolute{Off: callOffset, Size: 4},
		// The x32 conventions of amd64 set this bit.
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 1 << 30, SkipFalse: 1},
		killed,
	}
	for _, r := range argumentRules(uint32(pid)) {
		instructions = append(instructions, bpf.JumpIf{Cond: bpf.JumpEqual, Val: r.call, SkipFalse: uint8(len(r.then))})
		instructions = append(instructions, r.then...)
	}
	calls := append(append([]uint32(nil), refused...), refusedOld...)
	if !opt.Network {
		calls = append(calls, refusedNetwork...)
		if !opt.Accept {
			calls = append(calls, refusedAccept...)
		}
	}
	if len(opt.files()) == 0 {
		calls = append(append(calls, refusedFiles...), refusedOldFiles...)
	}
	for _, call := range calls {
		instructions = append(instructions, bpf.JumpIf{Cond: bpf.JumpEqual, Val: call, SkipFalse: 1}, refuse(unix.EPERM))
	}
	program, err = bpf.Assemble(append(instructions, allowed))
	return program, len(calls), err
}

// restrictCalls applies the filter to all threads.
func restrictCalls(opt Options) (string, error) {
	action := uint32(unix.SECCOMP_RET_KILL_PROCESS)
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action))); errno != 0 {
		return "no seccomp: the kernel has none (Linux 4.14 and later can)", nil
	}
	program, refusals, err := callFilter(opt, unix.Getpid())
	if err != nil {
		return "", err
	}
	filter := make([]unix.SockFilter, len(program))
	for i, in := range program {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	p := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// In a cgo program the promise may have been made on another thread.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return "", err
	}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p)))
	switch {
	case errno != 0:
		return "", errno
	case thread != 0:
		return "", fmt.Errorf("thread %d has a filter of its own", thread)
	}
	words := fmt.Sprintf("seccomp: %d system calls refused (programs, other processes, kernel", refusals)
	if len(opt.files()) == 0 {
		words += ", files"
	}
	switch {
	case opt.Network:
	case opt.Accept:
		words += ", sockets but for taking connections"
	default:
		words += ", sockets"
	}
	return words + ")", nil
}

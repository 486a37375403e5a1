package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The sandbox cannot be left, so each test starts the test program again and
// restricts that. A child is one of the functions below, named in the
// environment; what it reports is printed by it, line by line.
const (
	childVariable  = "PORTANNOT_SANDBOX_CHILD"
	folderVariable = "PORTANNOT_SANDBOX_FOLDER"
)

var children = map[string]func(){
	"closed":        closedChild,
	"folders":       foldersChild,
	"network":       networkChild,
	"threads":       threadsChild,
	"twice":         twiceChild,
	"drop":          dropChild,
	"dropNumber":    dropNumberChild,
	"dropAndApply":  dropAndApplyChild,
	"notRoot":       notRootChild,
	"unknownUser":   unknownUserChild,
	"missingFolder": missingFolderChild,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		children[name]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// runChild gives what a child reported: a value for each of its keys.
func runChild(t *testing.T, name string) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, sub := range []string{"write", "read"} {
		if err := os.Mkdir(filepath.Join(folder, sub), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, sub, "file"), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childVariable+"="+name, folderVariable+"="+folder)
	stopped := time.AfterFunc(30*time.Second, func() { child.Process.Kill() })
	defer stopped.Stop()
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("child %s: %v\n%s", name, err, out)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[key] = value
		}
	}
	if values["done"] != "nil" {
		t.Fatalf("child %s did not finish:\n%s", name, out)
	}
	return values
}

// report prints an error by its number, which does not depend on the words
// around it.
func report(key string, err error) {
	var errno syscall.Errno
	switch {
	case err == nil:
		fmt.Printf("%s=nil\n", key)
	case errors.As(err, &errno):
		fmt.Printf("%s=%s\n", key, unix.ErrnoName(errno))
	default:
		fmt.Printf("%s=%v\n", key, err)
	}
}

func apply(opt Options) {
	what, err := Apply(opt)
	report("apply", err)
	fmt.Printf("what=%s\n", strings.Join(what, "; "))
}

// number reports how a system call ends that is given nothing useful.
func number(key string, call uintptr, arguments ...uintptr) {
	a := [6]uintptr{}
	copy(a[:], arguments)
	_, _, errno := unix.Syscall6(call, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno != 0 {
		report(key, errno)
	} else {
		report(key, nil)
	}
}

type expect map[string]string

func (e expect) check(t *testing.T, got map[string]string) {
	t.Helper()
	t.Logf("applied: %s", got["what"])
	for key, want := range e {
		found := false
		for w := range strings.SplitSeq(want, "|") {
			found = found || got[key] == w
		}
		if !found {
			t.Errorf("%s: %s, want %s", key, got[key], want)
		}
	}
}

func hasSeccomp() bool { return runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" }

const refusedError = "EPERM|EACCES" // seccomp and Landlock

func closedChild() {
	folder := os.Getenv(folderVariable)
	opened, err := os.Open(filepath.Join(folder, "read", "file"))
	report("openBefore", err)
	output, err := os.Create(filepath.Join(folder, "write", "output"))
	report("createBefore", err)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	report("listenBefore", err)
	udp, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9})
	report("udpBefore", err)

	apply(Options{})

	text, err := io.ReadAll(opened)
	report("readOpen", err)
	fmt.Printf("text=%s\n", text)
	_, err = output.WriteString("new")
	report("writeOpen", err)
	report("truncateOpen", output.Truncate(1))
	report("closeOpen", output.Close())
	_, err = udp.Write([]byte("x"))
	report("writeSocket", err)

	_, err = os.Open(filepath.Join(folder, "read", "file"))
	report("open", err)
	_, err = os.ReadDir(folder)
	report("readFolder", err)
	_, err = os.Create(filepath.Join(folder, "new"))
	report("create", err)
	report("remove", os.Remove(filepath.Join(folder, "read", "file")))
	report("rename", os.Rename(filepath.Join(folder, "read", "file"), filepath.Join(folder, "x")))
	report("mkdir", os.Mkdir(filepath.Join(folder, "x"), 0o700))
	report("chmod", os.Chmod(folder, 0o777))
	_, err = os.Open("/proc/self/mem")
	report("memory", err)
	report("exec", exec.Command("/proc/self/exe").Run())
	number("execve", unix.SYS_EXECVE)
	number("fork", unix.SYS_CLONE, uintptr(unix.SIGCHLD))
	number("clone3", unix.SYS_CLONE3)
	_, err = net.DialTimeout("tcp4", listener.Addr().String(), time.Second)
	report("connect", err)
	number("socket", unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, 0)
	number("ptrace", unix.SYS_PTRACE, unix.PTRACE_TRACEME)
	number("unshare", unix.SYS_UNSHARE, 0)
	number("bpf", unix.SYS_BPF)
	number("keyctl", unix.SYS_KEYCTL)
	number("userfaultfd", unix.SYS_USERFAULTFD)
	number("killParent", unix.SYS_KILL, uintptr(os.Getppid()), 0)
	number("killSelf", unix.SYS_KILL, uintptr(os.Getpid()), 0)
	number("tty", unix.SYS_IOCTL, 0, unix.TIOCSTI, 0)
	number("map", unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	number("mapCode", unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	value, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	report("prctl", err)
	fmt.Printf("noNewPrivileges=%d\n", value)
	report("done", nil)
}

func TestNothingButOpenFiles(t *testing.T) {
	got := runChild(t, "closed")
	expect{
		"apply": "nil", "openBefore": "nil", "createBefore": "nil", "listenBefore": "nil", "udpBefore": "nil",
		"readOpen": "nil", "text": "old", "writeOpen": "nil", "truncateOpen": "nil", "closeOpen": "nil", "writeSocket": "nil",
		"killSelf": "nil", "map": "nil", "prctl": "nil", "noNewPrivileges": "1",
	}.check(t, got)
	if !hasSeccomp() {
		t.Skip("no seccomp for " + runtime.GOARCH)
	}
	if strings.Contains(got["what"], "no seccomp") {
		t.Skip(got["what"])
	}
	expect{
		"open": refusedError, "readFolder": refusedError, "create": refusedError, "remove": refusedError,
		"rename": refusedError, "mkdir": refusedError, "chmod": "EPERM", "memory": refusedError,
		"exec": refusedError, "execve": "EPERM", "fork": "EPERM", "clone3": "ENOSYS",
		"connect": refusedError, "socket": "EPERM", "ptrace": "EPERM", "unshare": "EPERM", "bpf": "EPERM",
		"keyctl": "EPERM", "userfaultfd": "EPERM", "killParent": "EPERM", "tty": "EPERM", "mapCode": "EPERM",
	}.check(t, got)
}

func foldersChild() {
	folder := os.Getenv(folderVariable)
	write, read := filepath.Join(folder, "write"), filepath.Join(folder, "read")
	outside := filepath.Join(folder, "outside")
	report("before", os.WriteFile(outside, []byte("x"), 0o600))
	apply(Options{Write: []string{write}, Read: []string{read}})

	report("create", os.WriteFile(filepath.Join(write, "part"), []byte("new"), 0o600))
	report("rename", os.Rename(filepath.Join(write, "part"), filepath.Join(write, "file")))
	text, err := os.ReadFile(filepath.Join(write, "file"))
	report("readBack", err)
	fmt.Printf("text=%s\n", text)
	report("remove", os.Remove(filepath.Join(write, "file")))
	_, err = os.ReadFile(filepath.Join(read, "file"))
	report("read", err)
	_, err = os.ReadDir(read)
	report("list", err)

	report("writeInRead", os.WriteFile(filepath.Join(read, "file"), []byte("new"), 0o600))
	report("createInRead", os.WriteFile(filepath.Join(read, "new"), []byte("new"), 0o600))
	report("removeInRead", os.Remove(filepath.Join(read, "file")))
	_, err = os.ReadFile(outside)
	report("readOutside", err)
	report("writeOutside", os.WriteFile(outside, []byte("new"), 0o600))
	_, err = os.ReadFile("/etc/passwd")
	report("password", err)
	report("link", os.Symlink("/etc/passwd", filepath.Join(write, "link")))
	report("truncate", os.Truncate(outside, 0))
	_, err = net.Dial("tcp4", "127.0.0.1:9")
	report("connect", err)
	report("done", nil)
}

// requireLandlock skips a test of what seccomp cannot do.
func requireLandlock(t *testing.T, got map[string]string) {
	t.Helper()
	if !strings.Contains(got["what"], "Landlock ") || strings.Contains(got["what"], "no Landlock") {
		t.Skip(got["what"])
	}
}

func TestFoldersThatStayOpen(t *testing.T) {
	got := runChild(t, "folders")
	expect{
		"apply": "nil", "before": "nil", "create": "nil", "rename": "nil", "readBack": "nil", "text": "new",
		"remove": "nil", "read": "nil", "list": "nil",
	}.check(t, got)
	requireLandlock(t, got)
	expect{
		"writeInRead": "EACCES", "createInRead": "EACCES", "removeInRead": "EACCES", "readOutside": "EACCES",
		"writeOutside": "EACCES", "password": "EACCES", "link": "EACCES", "truncate": "EACCES|nil", // since ABI 3
		"connect": refusedError,
	}.check(t, got)
}

func networkChild() {
	apply(Options{Network: true})
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	report("listen", err)
	if err == nil {
		_, err = net.DialTimeout("tcp4", listener.Addr().String(), 5*time.Second)
		report("connect", err)
	}
	_, err = os.Open("/etc/passwd")
	report("open", err)
	report("done", nil)
}

func TestNetworkThatStaysOpen(t *testing.T) {
	got := runChild(t, "network")
	expect{"apply": "nil", "listen": "nil", "connect": "nil"}.check(t, got)
	if hasSeccomp() && !strings.Contains(got["what"], "no seccomp") {
		expect{"open": refusedError}.check(t, got)
	}
}

// threadsChild has threads that were made before and after the sandbox, all at
// work, and asks each whether it is restricted. Then it has the runtime do
// what it may do at any time.
func threadsChild() {
	const threads = 12
	folder := os.Getenv(folderVariable)
	start := make(chan struct{})
	var ready, finished sync.WaitGroup
	errs := make(chan error, 2*threads)
	try := func() {
		// Allowed below the folder only, so that both Landlock and seccomp of
		// this thread are asked.
		_, err := os.ReadFile(filepath.Join(folder, "read", "file"))
		if err == nil {
			err = errors.New("the thread can read")
		}
		var errno syscall.Errno
		if errors.As(err, &errno) && (errno == unix.EACCES || errno == unix.EPERM) {
			err = nil
		}
		if err == nil {
			if _, _, errno := unix.Syscall(unix.SYS_UNSHARE, 0, 0, 0); errno != unix.EPERM {
				err = fmt.Errorf("the thread can unshare: %w", errno)
			}
		}
		errs <- err
	}
	for range threads {
		ready.Add(1)
		finished.Add(1)
		go func() {
			defer finished.Done()
			runtime.LockOSThread()
			ready.Done()
			<-start
			try()
		}()
	}
	ready.Wait()
	apply(Options{Write: []string{filepath.Join(folder, "write")}})
	close(start)
	for range threads {
		finished.Add(1)
		go func() {
			defer finished.Done()
			runtime.LockOSThread()
			try()
		}()
	}
	finished.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	report("threads", all)

	// Garbage collection with many goroutines at work needs signals between
	// threads: preemption.
	stop := make(chan struct{})
	for range 8 {
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					_ = make([]byte, n%4096)
				}
			}
		}()
	}
	for range 20 {
		runtime.GC()
	}
	close(stop)
	report("timer", func() error { time.Sleep(5 * time.Millisecond); return nil }())
	report("done", nil)
}

func TestAllThreadsAreRestricted(t *testing.T) {
	got := runChild(t, "threads")
	requireLandlock(t, got)
	if strings.Contains(got["what"], "no seccomp") {
		t.Skip(got["what"])
	}
	expect{"apply": "nil", "threads": "nil", "timer": "nil"}.check(t, got)
}

func twiceChild() {
	apply(Options{})
	_, err := Apply(Options{})
	report("again", err)
	report("done", nil)
}

func TestApplyTwice(t *testing.T) {
	expect{"apply": "nil", "again": "nil"}.check(t, runChild(t, "twice"))
}

func missingFolderChild() {
	apply(Options{Write: []string{"/does/not/exist"}})
	report("done", nil)
}

func TestMissingFolderIsAnError(t *testing.T) {
	got := runChild(t, "missingFolder")
	if got["apply"] == "nil" {
		requireLandlock(t, got)
	}
	expect{"apply": "ENOENT", "what": "no new privileges"}.check(t, got)
}

// identity reports the users and groups of each thread, as the kernel shows
// them, and its capabilities.
func identity() {
	tasks, err := os.ReadDir("/proc/self/task")
	report("tasks", err)
	all := map[string]bool{}
	for _, task := range tasks {
		status, err := os.ReadFile(filepath.Join("/proc/self/task", task.Name(), "status"))
		if err != nil {
			continue // the thread has ended
		}
		var words []string
		for line := range strings.Lines(string(status)) {
			key, value, _ := strings.Cut(line, ":")
			switch key {
			case "Uid", "Gid", "Groups", "CapPrm", "CapEff":
				words = append(words, strings.Join(strings.Fields(value), ","))
			}
		}
		all[strings.Join(words, " ")] = true
	}
	fmt.Printf("identities=%d\n", len(all))
	for id := range all {
		fmt.Printf("identity=%s\n", id)
	}
}

// drop reports the change to a user that keeps nothing.
func drop(key, user string) {
	kept, err := DropPrivileges(user, Options{})
	if len(kept) > 0 {
		err = fmt.Errorf("kept %q", kept)
	}
	report(key, err)
}

// busyThreads makes threads that exist before the change.
func busyThreads() {
	var ready sync.WaitGroup
	for range 5 {
		ready.Add(1)
		go func() {
			runtime.LockOSThread()
			ready.Done()
			select {}
		}()
	}
	ready.Wait()
}

const noCapabilities = "0000000000000000"

func dropChild() {
	busyThreads()
	drop("drop", "")
	identity()
	_, err := os.Open("/etc/shadow")
	report("shadow", err)
	report("back", syscall.Setuid(0))
	report("raw", func() error {
		_, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		return err
	}())
	report("done", nil)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
}

func TestDropToNobody(t *testing.T) {
	needRoot(t)
	uid, gid, err := findUser(defaultUser)
	if err != nil {
		t.Fatal(err)
	}
	got := runChild(t, "drop")
	expect{
		"drop": "nil", "identities": "1", "back": "EPERM", "raw": "EPERM",
		"identity": fmt.Sprintf("%[1]d,%[1]d,%[1]d,%[1]d %[2]d,%[2]d,%[2]d,%[2]d %[2]d %[3]s %[3]s", uid, gid, noCapabilities),
	}.check(t, got)
	if _, err := os.Stat("/etc/shadow"); err == nil {
		expect{"shadow": "EACCES"}.check(t, got)
	}
}

func dropNumberChild() {
	drop("drop", "54321")
	identity()
	report("done", nil)
}

func TestDropToNumberWithoutAccount(t *testing.T) {
	needRoot(t)
	expect{
		"drop": "nil", "identities": "1",
		"identity": "54321,54321,54321,54321 54321,54321,54321,54321 54321 " + noCapabilities + " " + noCapabilities,
	}.check(t, runChild(t, "dropNumber"))
}

func dropAndApplyChild() {
	drop("drop", "")
	apply(Options{})
	report("done", nil)
}

// The sandbox needs no rights, so that it can come last.
func TestDropThenApply(t *testing.T) {
	needRoot(t)
	expect{"drop": "nil", "apply": "nil"}.check(t, runChild(t, "dropAndApply"))
}

func notRootChild() {
	drop("drop", "")
	drop("again", "")
	drop("other", "daemon")
	report("done", nil)
}

func TestDropWhenNotRoot(t *testing.T) {
	expect{
		"drop": "nil", "again": "nil",
		"other": "drop privileges to user daemon: only root can become another user",
	}.check(t, runChild(t, "notRoot"))
}

func unknownUserChild() {
	drop("drop", "no such user")
	drop("root", "root")
	drop("zero", "0")
	fmt.Printf("uid=%d\n", os.Getuid())
	report("done", nil)
}

func TestDropToUnknownUserOrRoot(t *testing.T) {
	needRoot(t)
	expect{
		"drop": "drop privileges to user no such user: user: unknown user no such user",
		"root": "drop privileges to user root: that is root",
		"zero": "drop privileges to user 0: that is root",
		"uid":  "0",
	}.check(t, runChild(t, "unknownUser"))
}

// Each version of Landlock is asked only for what it knows: otherwise it
// refuses the whole ruleset.
func TestHandledAccessByVersion(t *testing.T) {
	for _, test := range []struct {
		abi      int
		network  bool
		fs       uint64
		net      uint64
		hasScope bool
	}{
		{1, false, 0x1fff, 0, false},
		{2, false, 0x3fff, 0, false},
		{3, false, 0x7fff, 0, false},
		{4, false, 0x7fff, 3, false},
		{4, true, 0x7fff, 0, false},
		{5, false, 0xffff, 3, false},
		{6, false, 0xffff, 3, true},
		{99, false, 0xffff, 3, true},
		{99, true, 0xffff, 0, false},
	} {
		a := handled(test.abi, test.network)
		if a.Handled_access_fs != test.fs || a.Handled_access_net != test.net || (a.Scoped != 0) != test.hasScope {
			t.Errorf("version %d, network %v: %+v", test.abi, test.network, a)
		}
	}
}

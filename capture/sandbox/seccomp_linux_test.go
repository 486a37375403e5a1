//go:build amd64 || arm64

package sandbox

import (
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The program answers as its table says for every call number, also without
// the kernel.
func TestCallFilterAgainstTable(t *testing.T) {
	for _, opt := range []Options{{}, {Network: true}, {Accept: true}, {Write: []string{"x"}}} {
		program, _, err := callFilter(opt, 4711)
		if err != nil {
			t.Fatal(err)
		}
		instructions, ok := bpf.Disassemble(program)
		if !ok {
			t.Fatal("the program has instructions that cannot be disassembled")
		}
		vm, err := bpf.NewVM(instructions)
		if err != nil {
			t.Fatal(err)
		}
		// The machine of package bpf reads in network order.
		run := func(machine, call uint32, arguments ...uint32) uint32 {
			data := make([]byte, 64)
			put := func(at int, v uint32) { copy(data[at:], []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}) }
			put(callOffset, call)
			put(machineOffset, machine)
			for i, a := range arguments {
				put(argumentsOffset+8*i, a)
			}
			result, err := vm.Run(data)
			if err != nil {
				t.Fatal(err)
			}
			return uint32(result)
		}
		const (
			pass = unix.SECCOMP_RET_ALLOW
			deny = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		)
		denied := map[uint32]bool{}
		for _, list := range [][]uint32{refused, refusedOld} {
			for _, call := range list {
				denied[call] = true
			}
		}
		for _, call := range refusedNetwork {
			denied[call] = !opt.Network
		}
		for _, call := range refusedAccept {
			denied[call] = !opt.Network && !opt.Accept
		}
		for _, list := range [][]uint32{refusedFiles, refusedOldFiles} {
			for _, call := range list {
				denied[call] = len(opt.files()) == 0
			}
		}
		byArgument := map[uint32]bool{}
		for _, r := range argumentRules(4711) {
			byArgument[r.call] = true
			if denied[r.call] {
				t.Errorf("call %d has two rules", r.call)
			}
		}
		for call := range uint32(1000) {
			want := uint32(pass)
			if denied[call] {
				want = deny
			}
			if got := run(machine, call); got != want && !byArgument[call] {
				t.Errorf("%+v: call %d: %#x, want %#x", opt, call, got, want)
			}
		}
		for _, test := range []struct {
			name string
			got  uint32
			want uint32
		}{
			{"another machine", run(machine^1, unix.SYS_READ), unix.SECCOMP_RET_KILL_PROCESS},
			{"x32", run(machine, 1<<30|unix.SYS_READ), unix.SECCOMP_RET_KILL_PROCESS},
			{"new thread", run(machine, unix.SYS_CLONE, unix.CLONE_VM|unix.CLONE_THREAD), pass},
			{"new process", run(machine, unix.SYS_CLONE, uint32(unix.SIGCHLD)), deny},
			{"signal to a thread", run(machine, unix.SYS_TGKILL, 4711), pass},
			{"signal to another", run(machine, unix.SYS_TGKILL, 4712), deny},
			{"memory", run(machine, unix.SYS_MPROTECT, 0, 4096, unix.PROT_READ|unix.PROT_WRITE), pass},
			{"code", run(machine, unix.SYS_MPROTECT, 0, 4096, unix.PROT_READ|unix.PROT_EXEC), deny},
			{"terminal size", run(machine, unix.SYS_IOCTL, 1, unix.TIOCGWINSZ), pass},
			{"typing into it", run(machine, unix.SYS_IOCTL, 1, unix.TIOCSTI), deny},
		} {
			if test.got != test.want {
				t.Errorf("%s: %#x, want %#x", test.name, test.got, test.want)
			}
		}
	}
}

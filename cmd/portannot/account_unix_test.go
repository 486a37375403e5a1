//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFIFOWithoutWriter: a signal ends a run that waits for somebody to write to a
// named pipe.
func TestFIFOWithoutWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	for _, args := range [][]string{{"-r", path}, {"-r", path, "-w", path + ".out"}, {"enrich", path}, {"review", path}} {
		ctx, cancel := context.WithCancel(context.Background())
		end := make(chan int, 1)
		go func() {
			end <- run(ctx, args, strings.NewReader(""), new(strings.Builder), new(strings.Builder))
		}()
		time.Sleep(50 * time.Millisecond)
		cancel()
		select {
		case code := <-end:
			if code != exitFailure {
				t.Errorf("%q: exit status %d", args, code)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%q: does not end", args)
		}
	}
}

// TestAccountSoFar: SIGUSR1 prints the account of a run that goes on.
func TestAccountSoFar(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, demo(t), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startProgram(t, "-r", path, "--follow")
	time.Sleep(1500 * time.Millisecond)
	p.cmd.Process.Signal(syscall.SIGUSR1)
	p.find(`(read 98 packets so far: )`)
	if code := p.end(); code != exitDone {
		t.Errorf("exit status %d: %s", code, p.stderr.String())
	}
}

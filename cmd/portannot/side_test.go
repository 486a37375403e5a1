//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sideFlags are runs that read the file SIDE whole before they begin.
var sideFlags = []struct{ name, args, content string }{
	{"registry", "-q -r demo.pcap --registry SIDE -o csv", "registry.csv"},
	{"services", "-q -r demo.pcap --names SIDE -o csv", "my-name 8000/tcp\n"},
	{"known services", "-q -r demo.pcap --listeners SIDE -o csv", "10.0.0.2:8000/tcp\n"},
	{"registry and a filter of words", "-q -r demo.pcap --registry SIDE -o csv udp port domain", "registry.csv"},
	{"services of a log", "enrich -q --names SIDE -o csv conn.log", "my-name 8000/tcp\n"},
	{"policy", "review -q -r demo.pcap --policy SIDE -o csv", "version: 1\nexpected: []\n"},
	{"rules", "review -q -r demo.pcap --rules SIDE -o csv", "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"},
	{"names of a review", "review -q -r demo.pcap --names SIDE -o csv", "my-name 8000/tcp\n"},
	{"registry of a review", "review -q -r demo.pcap --registry SIDE -o csv", "registry.csv"},
	{"baseline", "review -q -r demo.pcap --baseline SIDE -o csv", ""},
	{"lookup", "lookup --registry SIDE 443/tcp", "registry.csv"},
	{"registry check", "registry check --registry SIDE", "registry.csv"},
	{"registry info", "registry info --registry SIDE", "registry.csv"},
	{"registry diff", "registry diff embedded SIDE", "registry.csv"},
	{"registry update", "registry update --from SIDE", ""},
}

// sideArgs puts files in the place of names.
func sideArgs(t *testing.T, args, side string) []string {
	t.Helper()
	testdata := filepath.Join(repoRoot(t), "testdata")
	words := strings.Fields(args)
	for i, w := range words {
		switch w {
		case "SIDE":
			words[i] = side
		case "demo.pcap":
			words[i] = filepath.Join(testdata, "captures", w)
		case "conn.log":
			words[i] = filepath.Join(testdata, "flowlogs", "zeek", w)
		}
	}
	return words
}

// TestSideWithoutWriter: a named pipe that nobody writes to, or that a writer leaves
// empty, is waited for until the first signal.
func TestSideWithoutWriter(t *testing.T) {
	ownData(t)
	for _, c := range sideFlags {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/writer=%v", c.name, silent), func(t *testing.T) {
				t.Parallel()
				pipe := filepath.Join(t.TempDir(), "pipe")
				if err := syscall.Mkfifo(pipe, 0o600); err != nil {
					t.Skip(err)
				}
				if silent {
					w, err := os.OpenFile(pipe, os.O_RDWR, 0)
					if err != nil {
						t.Fatal(err)
					}
					defer w.Close()
				}
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan int, 1)
				var stdout, stderr bytes.Buffer
				args := sideArgs(t, c.args, pipe)
				go func() { ended <- run(ctx, args, strings.NewReader(""), &stdout, &stderr) }()
				time.Sleep(50 * time.Millisecond)
				cancel()
				select {
				case code := <-ended:
					if code != exitFailure || stderr.String() != "portannot: interrupted\n" || stdout.Len() > 0 {
						t.Errorf("code %d: %s%s", code, stderr.String(), stdout.String())
					}
				case <-time.After(20 * time.Second):
					t.Fatal("it waits on")
				}
			})
		}
	}
}

// TestSideFromPipe: what comes from <(...) is read as a file is, and only once.
func TestSideFromPipe(t *testing.T) {
	if _, err := os.Stat("/dev/fd"); err != nil {
		t.Skip(err)
	}
	ownData(t)
	var registry bytes.Buffer
	if code := run(t.Context(), strings.Fields("registry export --registry embedded --format csv"), nil, &registry, new(bytes.Buffer)); code != 0 {
		t.Fatal("no registry")
	}
	for _, c := range sideFlags {
		if c.content == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			content := []byte(c.content)
			if c.content == "registry.csv" {
				content = registry.Bytes()
			}
			file := filepath.Join(t.TempDir(), "side")
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var want, got, stderr bytes.Buffer
			if code := run(t.Context(), sideArgs(t, c.args, file), strings.NewReader(""), &want, &stderr); code != 0 || want.Len() == 0 {
				t.Fatalf("code %d: %s", code, stderr.String())
			}
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			go func() {
				w.Write(content)
				w.Close()
			}()
			name := fmt.Sprintf("/dev/fd/%d", r.Fd())
			if code := run(t.Context(), sideArgs(t, c.args, name), strings.NewReader(""), &got, &stderr); code != 0 {
				t.Fatalf("code %d: %s", code, stderr.String())
			}
			if text := strings.ReplaceAll(got.String(), name, file); text != want.String() {
				t.Errorf("from a pipe:\n%s\nfrom a file:\n%s", text, want.String())
			}
		})
	}
}

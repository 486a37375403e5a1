package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestNotify: the service manager hears when the sources are open, from behind the
// sandbox, and when the run ends.
func TestNotify(t *testing.T) {
	for name, args := range map[string][]string{
		"listen": {"enrich", "--registry", "embedded", "--listen", "udp://127.0.0.1:0"},
		"follow": {"enrich", "--registry", "embedded", "--follow", filepath.Join(t.TempDir(), "later.log")},
	} {
		path := filepath.Join(t.TempDir(), name)
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		cmd := exec.Command("portannot", args...)
		cmd.Env = append(cmd.Environ(), "NOTIFY_SOCKET="+path)
		p := start(t, cmd)
		hear := func(want string) {
			t.Helper()
			b := make([]byte, 100)
			c.SetReadDeadline(time.Now().Add(20 * time.Second))
			if n, err := c.Read(b); err != nil || string(b[:n]) != want {
				t.Fatalf("%s: heard %q, %v, want %s: %s", name, b[:n], err, want, p.stderr.String())
			}
		}
		hear("READY=1")
		if code := p.end(); code != exitDone {
			t.Errorf("%s: exit status %d: %s", name, code, p.stderr.String())
		}
		hear("STOPPING=1")
	}
}

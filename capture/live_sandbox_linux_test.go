package capture

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/portannot/portannot/capture/sandbox"
)

// A capture goes on after its process has given up root and is in the sandbox.
// Neither can be undone, so this test program is started again for it.
func TestLiveInSandbox(t *testing.T) {
	const (
		child  = "PORTANNOT_TEST_SANDBOXED"
		passed = "passed in the sandbox\n"
	)
	if os.Getenv(child) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		command := exec.Command(self, "-test.run=^TestLiveInSandbox$", "-test.v", "-test.timeout=60s")
		command.Env = append(os.Environ(), child+"=1")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if bytes.Contains(out, []byte("--- SKIP")) {
			t.Skipf("%s", out)
		}
		if !bytes.HasSuffix(out, []byte(passed)) {
			t.Fatalf("the child did not reach its end:\n%s", out)
		}
		return
	}

	enterNamespace(t)
	l, err := OpenLive(LiveOptions{Interfaces: []string{AnyInterface}})
	if err != nil {
		t.Fatal(err)
	}
	sender, err := net.Dial("udp4", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.DropPrivileges("", sandbox.Options{}); err != nil {
		t.Fatal(err)
	}
	what, err := sandbox.Apply(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(strings.Join(what, "; "))
	if _, err := OpenLive(LiveOptions{Interfaces: []string{"lo"}}); err == nil {
		t.Error("a second capture can be opened")
	}
	if _, err := io.WriteString(sender, endMark); err != nil {
		t.Fatal(err)
	}
	got := collect(t, l, isEnd)
	if name := l.InterfaceName(got[0].Interface); name != "lo" {
		t.Errorf("interface %s", name)
	}
	finish(t, l)
	if stats, err := l.Stats(); err != nil || stats.Received == 0 {
		t.Errorf("stats %+v, %v", stats, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if !t.Failed() {
		// An ordinary end writes coverage to a file, which the sandbox refuses.
		os.Stdout.WriteString(passed)
		syscall.Exit(0)
	}
}

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is an output that can be waited for.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the output has a text.
func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(l.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%q did not come: %s", text, l.String())
		}
	}
}

// A growing log is annotated as it grows, also across its rotation, until the
// run is interrupted.
func TestEnrichFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conn.json")
	flow := func(port string) string {
		return `{"ts":1789376400.1,"id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":` + port + `,"proto":"tcp"}` + "\n"
	}
	appendTo := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	appendTo(flow("22"))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out, messages lines
	code := make(chan int)
	go func() { code <- run(ctx, []string{"enrich", "--follow", path}, nil, &out, &messages) }()
	out.await(t, `"name":"ssh"`)
	half := flow("443")
	appendTo(half[:40])
	appendTo(half[40:])
	out.await(t, `"name":"https"`)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	appendTo(flow("25"))
	out.await(t, `"name":"smtp"`)
	appendTo("no flow\n")
	messages.await(t, "conn.json:2: format not recognised")
	cancel()
	if got := <-code; got != exitFailure {
		t.Errorf("exit code %d, want %d for the line that is no flow", got, exitFailure)
	}
	if !strings.Contains(messages.String(), "3 flows, 0 other, 1 not understood") {
		t.Errorf("messages: %s", messages.String())
	}
}

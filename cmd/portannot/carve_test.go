package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/portannot/portannot/capture/flow"
)

// TestWriteWithoutTrace: where the packets of the first reading cannot all be noted, the
// second one writes the same file.
func TestWriteWithoutTrace(t *testing.T) {
	write := func(limit int, args ...string) []byte {
		t.Helper()
		traceLimit = limit
		defer func() { traceLimit = flow.DefaultTrace }()
		path := filepath.Join(t.TempDir(), "out.pcapng")
		var stderr bytes.Buffer
		if code := run(context.Background(), append(args, "-q", "-w", path), nil, new(bytes.Buffer), &stderr); code > exitFailure {
			t.Fatalf("exit %d: %s", code, stderr.String())
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, args := range [][]string{
		{"-r", "../../testdata/captures/demo.pcap"},
		{"-r", "../../testdata/captures/demo.pcap", "--service", "https", "-c", "100"},
		{"-r", "../../testdata/captures/demo.pcap", "-r", "../../testdata/captures/tunnels.pcap", "--sort", "bytes"},
		{"-r", "../../testdata/captures/tunnels.pcap", "--max-flows", "3"},
		{"review", "-r", "../../testdata/captures/review.pcap"},
	} {
		traced, again := write(flow.DefaultTrace, args...), write(1, args...)
		if !bytes.Equal(traced, again) {
			t.Errorf("%q: %d bytes with a trace, %d without", args, len(traced), len(again))
		}
		if len(traced) < 1000 {
			t.Errorf("%q: only %d bytes", args, len(traced))
		}
	}
}

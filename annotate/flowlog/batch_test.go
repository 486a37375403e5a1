package flowlog

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
)

// kept is a Batch that notes what it gets.
type kept struct {
	flows []string
	all   *[]string
}

func (k *kept) Flow(in *annotate.Input, a *annotate.Annotation) {
	k.flows = append(k.flows, fmt.Sprint(in.Destination.Port(), in.Packets, in.Bytes, in.End))
}

func (k *kept) Done() { *k.all = append(*k.all, k.flows...) }

// batched gives what the batches of a log get, by any number of workers.
func batched(t *testing.T, log []byte, workers int) (all []string, st *Stats) {
	t.Helper()
	var out bytes.Buffer
	e := NewEnricher(&out, EnrichOptions{Annotator: testAnnotator, Output: Nothing, Workers: workers, Batch: func() Batch { return &kept{all: &all} }})
	if err := e.Enrich(context.Background(), bytes.NewReader(log), "log"); err != nil {
		t.Fatal(err)
	}
	if rest := strings.TrimSpace(out.String()); strings.Contains(rest, "portannot") && strings.Contains(rest, "assigned") {
		t.Errorf("records are written: %s", rest)
	}
	return all, e.Stats()
}

// TestCountersOfLogs: what logs report of packets, bytes and the end.
func TestCountersOfLogs(t *testing.T) {
	for path, want := range map[string]string{
		"zeek/conn.log":       "443 22 7764 1789376401373456000",
		"zeek-json/conn.json": "443 22 7764 1789376401373456000",
		"eve/suricata-7.json": "443 22 7764 1789376401100000000",
		"eve/suricata-4.json": "40001 4 400 0",
		"aws/v2-header.log":   "443 12 1840 1789376460000000000",
		"aws/default.log":     "22 20 4249 1418530070000000000",
		"gcp/vpc.json":        "443 12 1836 1789376405123456789",
		"goflow2/v2.json":     "443 12 1836 1789376409000000000",
		"argus/ra.csv":        "443 22 6636 0",
		"nfdump-csv/v16.csv":  "443 10 1200 0",
		"nfdump-csv/v175.csv": "443 12 1836 0",
	} {
		log, err := os.ReadFile(filepath.Join("../../testdata/flowlogs", path))
		if err != nil {
			t.Error(err)
			continue
		}
		all, st := batched(t, log, 1)
		if uint64(len(all)) != st.Selected {
			t.Errorf("%s: %d flows, %d selected", path, len(all), st.Selected)
		}
		if !slices.Contains(all, want) {
			t.Errorf("%s: no %s in %q", path, want, all)
		}
	}
}

// TestBatchesKeepTheOrder: flows come in the order of the log on any number of workers.
func TestBatchesKeepTheOrder(t *testing.T) {
	var log bytes.Buffer
	log.WriteString("#separator \\x09\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\torig_pkts\tresp_pkts\torig_ip_bytes\tresp_ip_bytes\n")
	for i := range 60000 {
		fmt.Fprintf(&log, "1789376400.5\t192.0.2.1\t50000\t192.0.2.2\t%d\ttcp\t%d\t-\t%d\t-\n", i, i, i)
	}
	one, _ := batched(t, log.Bytes(), 1)
	four, _ := batched(t, log.Bytes(), 4)
	if len(one) != 60000 || !slices.Equal(one, four) {
		t.Errorf("%d flows by one worker, %d by four, or another order", len(one), len(four))
	}
	if want := "59999 59999 59999 0"; one[59999] != want {
		t.Errorf("last flow %s, want %s", one[59999], want)
	}
}

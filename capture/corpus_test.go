package capture

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// sharedDir finds a folder of test data that lies beside the repository.
func sharedDir(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no repository root above the test")
		}
		dir = up
	}
	path := filepath.Join(dir, "..", "shared", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("test data not present: %v", err)
	}
	return path
}

// fileCount is what is in a capture.
type fileCount struct {
	packets, size uint64
	ethernet      bool // all packets are
	problems      []DamageError
}

func countFile(path string) (c fileCount, err error) {
	r, err := Open(path, Options{})
	if err != nil {
		return c, err
	}
	defer r.Close()
	c.ethernet = true
	dst := make([]Packet, 64)
	for {
		n, err := r.Next(dst)
		for i := range dst[:n] {
			c.packets++
			c.size += uint64(dst[i].Length)
			c.ethernet = c.ethernet && dst[i].Link == LinkEthernet
		}
		if err != nil {
			c.problems, _ = r.Problems()
			return c, err
		}
	}
}

// corpusDiffers lists the captures of the corpus whose number of packets is not
// the one that tshark 4.0.17 gives, with the number here and the reason.
var corpusDiffers = map[string]struct {
	packets uint64
	reason  string
}{
	"045e5b59_test202.pcapng":    {8, "tshark counts three custom blocks as frames"},
	"257dc300_test017.pcapng":    {0, "tshark counts four custom blocks as frames; there is no packet"},
	"4fef46d5_test018.pcapng":    {4, "tshark counts four custom blocks as frames"},
	"b90f6025_test102.pcapng":    {5, "tshark counts three custom blocks as frames"},
	"070e1ff3_003transf-_5_.cap": {5000, "the header says 5000 packets; tshark takes the file for a ring and reads it twice"},
	// Of the bytes, not of the packets: a length on the wire below the captured
	// one is raised here.
	"746d79ee_rsvp-rsvp_obj_print-oobr.pcap": {3, "fuzzed"},
	"d017e2f1_aoe-oobr-1.pcap":               {1, "fuzzed"},
	// What tshark cannot read to the end:
	"dc5f9e7c_bug-6875-01-fuzz.pcap":                 {1, "fuzzed; tshark guesses longer record headers for the standard magic number, tcpdump does not"},
	"93704f56_BT_USB_LinCooked_Eth_80211_RT.ntar.gz": {27226, "tshark gives up at a Bluetooth packet that is too short"},
}

// TestCorpus reads every capture of the shared corpus and compares the number
// of packets, and for Ethernet their bytes on the wire, with tshark's.
func TestCorpus(t *testing.T) {
	dir := sharedDir(t, "captures")
	f, err := os.Open(filepath.Join(dir, "truth", "SUMMARY.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	column := make(map[string]int)
	for i, name := range strings.Split(lines.Text(), "\t") {
		column[name] = i
	}
	files := 0
	for ; lines.Scan(); files++ {
		row := strings.Split(lines.Text(), "\t")
		number := func(name string) uint64 {
			v, _ := strconv.ParseUint(row[column[name]], 10, 64)
			return v
		}
		name, status := row[column["file"]], row[column["tshark_status"]]
		want, size := number("packets"), number("bytes")
		got, err := countFile(filepath.Join(dir, "files", name))

		differs, ok := corpusDiffers[name]
		if ok {
			want = differs.packets
		}
		var damage *DamageError
		switch {
		case status == "ok" && err != io.EOF:
			t.Errorf("%s: %v", name, err)
		case status == "ok" && len(got.problems) > 0:
			t.Errorf("%s: problems %v", name, got.problems)
		case status == "ok" && got.packets != want:
			t.Errorf("%s: %d packets, want %d", name, got.packets, want)
		case status == "ok" && got.ethernet && !ok && got.size != size && size != 1<<31-1: // at which tshark stops counting
			t.Errorf("%s: %d bytes on the wire, want %d", name, got.size, size)
		case status != "ok" && got.packets < want:
			t.Errorf("%s (%s): %d packets, want at least %d: %v", name, status, got.packets, want, err)
		case (status == "truncated" || status == "corrupt") && !errors.As(err, &damage) && len(got.problems) == 0:
			t.Errorf("%s (%s): damage was not noticed: %v", name, status, err)
		}
	}
	t.Logf("%d captures", files)
}

// TestCrafted reads the hostile files of the corpus in bounded memory.
func TestCrafted(t *testing.T) {
	dir := sharedDir(t, filepath.Join("captures", "crafted"))
	want := map[string]struct {
		packets uint64
		offset  int64 // of the damage, -1 for none
		problem int64 // offset of what was stepped over, -1 for none
	}{
		"ng_blocklen4_then_good.pcapng": {51, -1, 0x8c},
		"ng_caplen_4g.pcapng":           {0, -1, 0x30},
		"ng_opt65535.pcapng":            {1, -1, -1},
		"ng_truncated.pcapng":           {1, 0x8c, -1},
		"pcap_caplen_4g.pcap":           {0, 24, -1},
		"pcap_snaplen2g_small.pcap":     {1, -1, -1},
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range files {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := countFile(filepath.Join(dir, e.Name()))
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
			t.Errorf("%s: %d KiB allocated", e.Name(), grown>>10)
		}
		w, ok := want[e.Name()]
		if !ok {
			t.Errorf("%s is new: %d packets, %v, problems %v", e.Name(), got.packets, err, got.problems)
			continue
		}
		at, problem := int64(-1), int64(-1)
		var damage *DamageError
		if errors.As(err, &damage) {
			at = damage.Offset
		}
		if len(got.problems) > 0 {
			problem = got.problems[0].Offset
		}
		if got.packets != w.packets || at != w.offset || problem != w.problem {
			t.Errorf("%s: %d packets, %v, problems %v; want %+v", e.Name(), got.packets, err, got.problems, w)
		}
	}
}

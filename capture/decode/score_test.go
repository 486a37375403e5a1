package decode

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// tuple is a bidirectional 5-tuple, the smaller end first, whatever the
// context.
type tuple struct {
	proto string
	a, b  netip.AddrPort
}

var protoNames = map[uint8]string{packet.TCP: "tcp", packet.UDP: "udp", packet.SCTP: "sctp", packet.DCCP: "dccp", packet.UDPLite: "udplite"}

func compareEnds(a, b netip.AddrPort) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Port(), b.Port()))
}

// sharedCaptures finds the captures with truth that lie beside the repository.
func sharedCaptures(tb testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			tb.Skip("no repository root")
		}
	}
	dir = filepath.Join(dir, "..", "shared", "captures")
	if _, err := os.Stat(dir); err != nil {
		tb.Skip("no captures with truth beside the repository")
	}
	return dir
}

func readTable(tb testing.TB, name string) []map[string]string {
	f, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	rows, err := r.ReadAll()
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, v := range row {
			m[rows[0][i]] = v
		}
		out = append(out, m)
	}
	return out
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

// truth reads what tshark counted for a capture.
func truth(tb testing.TB, name string) map[tuple][2]int {
	m := map[tuple][2]int{}
	for _, r := range readTable(tb, name) {
		end := func(x string) netip.AddrPort {
			a, _, _ := strings.Cut(r[x+"_addr"], "%")
			return netip.AddrPortFrom(netip.MustParseAddr(a), uint16(atoi(r[x+"_port"])))
		}
		m[tuple{r["proto"], end("a"), end("b")}] = [2]int{atoi(r["pkts_ab"]), atoi(r["pkts_ba"])}
	}
	return m
}

type tally struct {
	flows   map[tuple][2]int
	counts  Counts
	pending int
	packets uint64
}

func (t *tally) add(s *packet.Summary) {
	if s.Kind != packet.Datagram {
		return
	}
	a, b := netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), netip.AddrPortFrom(s.DstAddr(), s.DstPort)
	k := tuple{protoNames[s.Protocol], a, b}
	i := 0
	if compareEnds(a, b) > 0 {
		k.a, k.b, i = b, a, 1
	}
	v := t.flows[k]
	v[i]++
	t.flows[k] = v
}

// better lists the shared captures in which our answer differs from the truth
// and should: the start of the name, which is its hash, and the reason.
var better = map[string]string{
	"22e9b64e": "an aggregated wireless frame holds two TCP packets of one flow; the truth counts one a frame",
	"37573221": "the pseudowire's control word leaves its length 0, which RFC 4385 asks of short frames; the frame in it is whole",
	"1b016c6d": "a source route under way: the truth has the final destination, we keep the addresses as sent",
	"4ab36b8d": "a source route under way, as above",
	"9b8d40dc": "a netlink datagram with several logged packets; the truth leaves one conversation of them out",
}

// TestTruth compares the packets of each 5-tuple with what tshark counted.
// PORTANNOT_ONLY picks captures by a part of the name.
func TestTruth(t *testing.T) {
	dir := sharedCaptures(t)
	links := map[string]string{}
	for _, r := range readTable(t, filepath.Join(dir, "MANIFEST.tsv")) {
		links[r["file"]] = r["linktype"]
	}
	var fails []string
	pass, all, closed := 0, 0, 0
	for _, row := range readTable(t, filepath.Join(dir, "truth", "SUMMARY.tsv")) {
		name := row["file"]
		if !strings.Contains(name, os.Getenv("PORTANNOT_ONLY")) {
			continue
		}
		all++
		got := tally{flows: map[tuple][2]int{}}
		err := decodeFile(filepath.Join(dir, "files", name), &got)
		if errors.Is(err, capture.ErrNotCapture) {
			closed++ // a container that is not read: not this package's
			continue
		}
		if n := got.counts.Read(); n != got.packets {
			t.Errorf("%s: %d packets counted of %d read", name, n, got.packets)
		}
		if got.counts[Panicked] != 0 {
			t.Errorf("%s: the decoder failed", name)
		}
		why := judge(row, truth(t, filepath.Join(dir, "truth", name+".flows.tsv")), &got)
		id, _, _ := strings.Cut(name, "_")
		switch _, known := better[id]; {
		case why == "":
			pass++
			if known {
				t.Errorf("%s is listed as differing, and does not", name)
			}
		case known:
			t.Logf("%s: %s (%s)", name, why, better[id])
		default:
			fails = append(fails, fmt.Sprintf("%-14s %s: %s %v %v", links[name], name, why, got.counts, err))
		}
	}
	slices.Sort(fails)
	for _, f := range fails {
		t.Error(f)
	}
	t.Logf("%d of %d pass, %d in containers that are not read", pass, all, closed)
}

// judge says how a capture's tally differs from the truth, by the rules of
// the scoring tool; "" when it does not.
func judge(row map[string]string, want map[tuple][2]int, got *tally) string {
	slack := atoi(row["malformed"]) + atoi(row["ambiguous"]) + atoi(row["short"])
	frag := atoi(row["frag_nonfirst"])
	if row["tshark_status"] != "ok" {
		missing := 0
		for k, w := range want {
			g := got.flows[k]
			missing += max(0, w[0]+w[1]-g[0]-g[1])
		}
		if missing > slack+1 {
			return fmt.Sprintf("broken: %d packets missing", missing)
		}
		return ""
	}
	keys := map[tuple]bool{}
	for k := range want {
		keys[k] = true
	}
	for k := range got.flows {
		keys[k] = true
	}
	var bad []string
	diff := 0
	for k := range keys {
		w, g := want[k], got.flows[k]
		if k.a == k.b {
			w, g = [2]int{w[0] + w[1], 0}, [2]int{g[0] + g[1], 0}
		}
		if w == g {
			continue
		}
		over := g[0] - w[0] + g[1] - w[1]
		if frag > 0 && g[0] >= w[0] && g[1] >= w[1] && over <= frag {
			continue
		}
		bad = append(bad, fmt.Sprintf("%s %v %v want %v got %v", k.proto, k.a, k.b, w, g))
		diff += abs(w[0]-g[0]) + abs(w[1]-g[1])
	}
	slices.Sort(bad)
	switch {
	case slack == 0 && len(bad) > 0:
		return fmt.Sprintf("strict: %d of %d flows: %s", len(bad), len(keys), strings.Join(bad[:min(len(bad), 3)], "; "))
	case slack > 0 && diff > slack+frag:
		return fmt.Sprintf("loose: %d packets differ, %d allowed: %s", diff, slack+frag, strings.Join(bad[:min(len(bad), 3)], "; "))
	}
	return ""
}

func abs(n int) int { return max(n, -n) }

// decodeFile decodes a whole capture file, with a decoder of its own.
func decodeFile(name string, t *tally) error {
	r, err := capture.Open(name, capture.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	d := New(Options{})
	batch := make([]capture.Packet, 64)
	var sums []packet.Summary
	for {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			t.packets++
			sums, _ = d.Decode(sums[:0], &batch[i])
			for j := range sums {
				t.add(&sums[j])
			}
		}
		if err != nil {
			t.counts, t.pending = d.Counts(), d.Pending()
			if err == io.EOF {
				err = nil
			}
			return err
		}
	}
}

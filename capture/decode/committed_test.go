package decode

import (
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// contextWords writes a context as the truth of the committed captures does:
// "vlan 40, gre/ipip", "vxlan:77".
func contextWords(c *packet.Context) string {
	if c == nil {
		return "-"
	}
	var parts, path []string
	for _, v := range c.VLANs[:c.NumVLANs] {
		parts = append(parts, fmt.Sprint("vlan ", v))
	}
	for i, t := range c.Path[:c.Depth] {
		w := t.String()
		if c.ID[i] != 0 {
			w += fmt.Sprint(":", c.ID[i])
		}
		path = append(path, w)
	}
	if path != nil {
		parts = append(parts, strings.Join(path, "/"))
	}
	if parts == nil {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// TestCommittedCaptures compares flows, contexts and bytes with what the
// generator of the committed captures sent, which shares no code with us. Two
// connections that reuse ports are one line here.
func TestCommittedCaptures(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "captures")
	names, _ := filepath.Glob(filepath.Join(dir, "*.flows.tsv"))
	if len(names) == 0 {
		t.Skip("no committed captures")
	}
	for _, truth := range names {
		name := strings.TrimSuffix(truth, ".flows.tsv") + ".pcap"
		if _, err := os.Stat(name); err != nil {
			continue
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			want, got := map[string]int{}, map[string]int{}
			f, err := os.Open(truth)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			r := csv.NewReader(f)
			r.Comma = '\t'
			rows, err := r.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows[1:] {
				a, b := netip.MustParseAddrPort(row[1]), netip.MustParseAddrPort(row[2])
				count(want, strings.ReplaceAll(row[0], "-", ""), a, b, row[9], atoi(row[3]), atoi(row[5]))
				count(want, strings.ReplaceAll(row[0], "-", ""), b, a, row[9], atoi(row[4]), atoi(row[6]))
			}
			d := New(Options{})
			src, err := capture.Open(name, capture.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			for err == nil {
				var n int
				var sums []packet.Summary
				var batch [16]capture.Packet
				n, err = src.Next(batch[:])
				for i := range batch[:n] {
					sums, _ = d.Decode(sums[:0], &batch[i])
					for _, s := range sums {
						if s.Kind == packet.Quoted {
							continue
						}
						proto := protoNames[s.Protocol]
						count(got, proto, netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), netip.AddrPortFrom(s.DstAddr(), s.DstPort),
							contextWords(s.Context), 1, int(s.FrameLen))
					}
				}
			}
			var lines []string
			for k := range merged(want, got) {
				if want[k] != got[k] {
					lines = append(lines, fmt.Sprintf("%s: got %d, want %d", k, got[k], want[k]))
				}
			}
			slices.Sort(lines)
			if lines != nil {
				t.Errorf("%s\n%v", strings.Join(lines, "\n"), d.Counts())
			}
		})
	}
}

func count(m map[string]int, proto string, a, b netip.AddrPort, context string, packets, bytes int) {
	k := fmt.Sprint(proto, " ", a, " ", b, " ", context)
	m[k+" packets"] += packets
	m[k+" bytes"] += bytes
}

func merged(a, b map[string]int) map[string]bool {
	m := map[string]bool{}
	for k := range a {
		m[k] = true
	}
	for k := range b {
		m[k] = true
	}
	return m
}

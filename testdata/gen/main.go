// Gen writes the capture files of this folder's siblings captures and bad, and
// beside each sound capture its truth: the flows that a reader must find in
// it. Everything is invented, and the same run after run, octet for octet.
//
//	go run ./testdata/gen
//
// It builds packets with code of its own and uses nothing of the program's, so
// that the captures are a second opinion on its decoders. The README beside
// this folder says what each capture pins.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// An output is one file to write, its path relative to the testdata folder.
type output struct {
	path string
	data []byte
}

// outputs makes every file.
func outputs() []output {
	var all []output
	add := func(path string, data []byte) { all = append(all, output{path, data}) }
	capture := func(name string, r *recording) {
		add("captures/"+name+".pcap", r.file())
		add("captures/"+name+".flows.tsv", r.truth())
	}
	capture("demo", demo())
	capture("statuses", statuses())
	capture("old-traffic", oldTraffic())
	capture("review", reviewed())
	capture("review-before", reviewedBefore())
	capture("handshakes", handshakes())
	capture("observed", observed())
	capture("exporters", exporters())
	capture("ipv6-ext", ipv6Extensions())
	capture("vlan", vlans())
	capture("fragments", fragmented())
	capture("tunnels", tunnels())
	links := linkCaptures()
	for _, name := range slices.Sorted(maps.Keys(links)) {
		capture("link-"+name, links[name])
	}
	all = append(all, formats()...)
	all = append(all, bad()...)
	all = append(all, badNG()...)
	return all
}

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: go run ./testdata/gen, from the repository root")
		os.Exit(2)
	}
	for _, o := range outputs() {
		path := filepath.Join("testdata", filepath.FromSlash(o.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
		if err := os.WriteFile(path, o.data, 0o666); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
		fmt.Println(len(o.data), path)
	}
}

package capture

import (
	"bytes"
	"io"
	"os"
	"testing"
)

// BenchmarkFile reads the capture that CAPTURE names, once an iteration.
func BenchmarkFile(b *testing.B) {
	path := os.Getenv("CAPTURE")
	if path == "" {
		b.Skip("CAPTURE names no file")
	}
	for _, c := range []struct {
		name string
		opt  Options
	}{{"ahead", Options{}}, {"plain", Options{NoReadAhead: true}}} {
		b.Run(c.name, func(b *testing.B) {
			dst := make([]Packet, 64)
			var packets, size uint64
			for b.Loop() {
				r, err := Open(path, c.opt)
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					var n int
					n, err = r.Next(dst)
					for i := range dst[:n] {
						size += uint64(dst[i].Length)
					}
					packets += uint64(n)
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				r.Close()
			}
			b.ReportMetric(float64(packets)/1e6/b.Elapsed().Seconds(), "Mpackets/s")
		})
	}
}

// BenchmarkParse walks a capture that lies in memory: what the parsers cost
// without the reading.
func BenchmarkParse(b *testing.B) {
	data := make([]byte, 316) // the mean of the benchmark captures
	for _, c := range []struct {
		name string
		file *fileBuilder
		add  func(f *fileBuilder)
	}{
		{"pcap", pcapFile(le, 0xa1b2c3d4, 65535, 1), func(f *fileBuilder) { f.packet(1, 2, data) }},
		{"pcap big-endian", pcapFile(be, 0xa1b2c3d4, 65535, 1), func(f *fileBuilder) { f.packet(1, 2, data) }},
		{"pcapng", ngFile(le), func(f *fileBuilder) { f.enhanced(0, 1<<50, data) }},
		{"snoop", snoopFile(2, 4), func(f *fileBuilder) { f.snoop(1, 2, data) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			if c.name == "pcapng" {
				c.file.iface(1, 0)
			}
			for len(c.file.b) < 400<<10 {
				c.add(c.file)
			}
			r := bytes.NewReader(c.file.b)
			dst := make([]Packet, 64)
			packets := 0
			b.ReportAllocs()
			for b.Loop() {
				r.Reset(c.file.b)
				s, err := NewReader(r, "x", Options{NoReadAhead: true})
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					var n int
					n, err = s.Next(dst)
					packets += n
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				s.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(packets), "ns/packet")
		})
	}
}

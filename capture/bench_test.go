package capture

import (
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
			var packets, octets uint64
			for b.Loop() {
				r, err := Open(path, c.opt)
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					var n int
					n, err = r.Next(dst)
					for i := range dst[:n] {
						octets += uint64(dst[i].Length)
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

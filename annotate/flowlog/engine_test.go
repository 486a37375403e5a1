package flowlog

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkEnrich copies a log that is a sample many times over, or the file
// that FLOWLOG names.
func BenchmarkEnrich(b *testing.B) {
	paths := []string{"zeek/conn.log", "zeek-json/conn.json", "eve/suricata-7.json"}
	if own := os.Getenv("FLOWLOG"); own != "" {
		paths = []string{own}
	}
	for _, path := range paths {
		data := benchmarkLog(b, path)
		for _, v := range []struct {
			name string
			opt  EnrichOptions
		}{{"same", EnrichOptions{}}, {"unexpected", EnrichOptions{Unexpected: true}}} {
			b.Run(path+"/"+v.name, func(b *testing.B) {
				opt := v.opt
				opt.Annotator, opt.Workers = testAnnotator, 1
				e := NewEnricher(io.Discard, opt)
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Enrich(context.Background(), bytes.NewReader(data), "log"); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func benchmarkLog(b *testing.B, path string) []byte {
	if filepath.IsAbs(path) {
		data := mustRead(b, path)
		return data[:min(len(data), 32<<20)]
	}
	data := mustRead(b, filepath.Join(samplesFolder(b), path))
	head, body := []byte{}, data
	if i := bytes.LastIndex(data, []byte("#types")); i >= 0 {
		n := i + bytes.IndexByte(data[i:], '\n') + 1
		head, body = data[:n], data[n:bytes.Index(data, []byte("#close"))]
	}
	return append(bytes.Clone(head), bytes.Repeat(body, 8<<20/len(body))...)
}

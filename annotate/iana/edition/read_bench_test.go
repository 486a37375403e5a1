package iana

import (
	"bytes"
	"testing"
)

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{xml2026, csv2025, html2026, text2026, excerpt24} {
		b.Run(name, func(b *testing.B) {
			data := editionBytes(b, name)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(bytes.NewReader(data), name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package edition

import (
	"bytes"
	"testing"

	"github.com/portannot/portannot/annotate/iana/internal/published"
)

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{published.XML2026, published.CSV2025, published.HTML2026, published.Text2026, published.Excerpt24} {
		b.Run(name, func(b *testing.B) {
			data := published.Bytes(b, name)
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

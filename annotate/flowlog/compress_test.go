package flowlog

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

const oneFlow = `{"ts":1.5,"id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":22,"proto":"tcp"}` + "\n"

// bzipped is oneFlow, by bzip2(1): Go has no such writer.
const bzipped = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x6a\x5d\xdd\x66\x00\x00\x34\xdb\x80\x40\x10\x10\x05\x72\x30\x00\x00\x8e\xe0\xdc\x0a\x20\x00\x48\x4a\x99\x46\x9e\x84\xc8\xc9\x90\xc1\x2a\x69\x3c\x93\x26\x9a\x03\x4c\xd4\x7e\x5a\x1c\x96\x2f\xf7\xa4\xdc\x3f\x3b\x77\xd5\x12\x4e\x28\x4e\xe0\xb5\x10\x65\x93\x0a\xd6\x14\xdd\x12\x63\x10\xfa\xa2\x3e\x41\xc4\x30\x48\x34\x16\x84\x54\xcf\xa4\x98\xb9\xb4\xdc\x65\x47\x4f\xc5\xdc\x91\x4e\x14\x24\x1a\x97\x77\x59\x80"

// A log that is compressed gives what it gives plain, however its bytes come,
// and a damaged one an error.
func TestCompressedLogs(t *testing.T) {
	want, _, err := tryEnrich(strings.NewReader(oneFlow), EnrichOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pack := func(open func(w io.Writer) (io.WriteCloser, error)) []byte {
		var b bytes.Buffer
		w, err := open(&b)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, oneFlow)
		w.Close()
		return b.Bytes()
	}
	for name, data := range map[string][]byte{
		"gzip":  pack(func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }),
		"zstd":  pack(func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }),
		"lz4":   pack(func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil }),
		"xz":    pack(func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }),
		"bzip2": []byte(bzipped),
	} {
		if got, _, err := tryEnrich(bytes.NewReader(data), EnrichOptions{}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %s", name, err, got)
		}
		if got, _, err := tryEnrich(oneByOne{bytes.NewReader(data)}, EnrichOptions{}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s, byte by byte: %v, %s", name, err, got)
		}
		if _, _, err := tryEnrich(bytes.NewReader(data[:len(data)-len(data)/3]), EnrichOptions{}); err == nil {
			t.Errorf("%s, truncated: no error", name)
		}
	}
}

type oneByOne struct{ r io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

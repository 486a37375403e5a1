package capture

import (
	"bytes"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/portannot/portannot/capture/unpack"
)

// compressors give the compressed form of a stream.
var compressors = map[string]func(b []byte) []byte{
	"gzip": func(b []byte) []byte {
		return packed(b, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
	},
	"zstd": func(b []byte) []byte {
		return packed(b, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
	},
	"lz4": func(b []byte) []byte {
		return packed(b, func(w io.Writer) (io.WriteCloser, error) {
			z := lz4.NewWriter(w)
			return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
		})
	},
	"xz": func(b []byte) []byte {
		return packed(b, func(w io.Writer) (io.WriteCloser, error) { return xz.WriterConfig{DictCap: 1 << 16}.NewWriter(w) })
	},
}

// compressedSize is the size of a test's capture: more than a chunk, but for xz,
// whose compressor takes seconds for that.
func compressedSize(name string) int {
	if name == "xz" {
		return 300 << 10
	}
	return 3 << 19
}

func packed(b []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	var buf bytes.Buffer
	w, err := open(&buf)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func TestCompressed(t *testing.T) {
	for name, pack := range compressors {
		file, want := sizedCapture(11, true, compressedSize(name))
		whole := pack(file)
		half := len(file) / 3
		for what, b := range map[string][]byte{"one member": whole, "two members": append(pack(file[:half]), pack(file[half:])...)} {
			if name == "xz" && what != "one member" {
				b = append(pack(file[:half]), append(make([]byte, 8), pack(file[half:])...)...) // with padding between
			}
			for _, opt := range []Options{{}, {NoReadAhead: true}} {
				c, err := NewReader(bytes.NewReader(b), "x", opt)
				if err != nil {
					t.Errorf("%s, %s: %v", name, what, err)
					continue
				}
				got, err := drain(c, 100)
				if err != io.EOF {
					t.Errorf("%s, %s: %d packets, %v", name, what, len(got), err)
					continue
				}
				checkPackets(t, got, want)
				if f := c.Format(); f != "pcapng, "+name {
					t.Errorf("format %q", f)
				}
				if read, _ := c.Progress(); read != int64(len(b)) {
					t.Errorf("%s: progress %d of %d", name, read, len(b))
				}
				c.Close()
			}
		}
	}
}

// TestCompressedTruncated: what can be decompressed is read, and the error is a
// *DamageError.
func TestCompressedTruncated(t *testing.T) {
	for name, pack := range compressors {
		file, want := sizedCapture(12, false, compressedSize(name))
		b := pack(file)
		if len(b) < 64<<10 {
			t.Fatalf("%s: only %d bytes", name, len(b))
		}
		for _, cut := range []int{6, 7, 20, 100, len(b) / 2, len(b) - 100, len(b) - 1} {
			packets, _, err := readCapture(bytes.NewReader(b[:cut]), Options{})
			var d *DamageError
			if !errors.As(err, &d) {
				t.Errorf("%s cut at %d of %d: %v", name, cut, len(b), err)
				continue
			}
			checkPackets(t, packets, want[:len(packets)])
			if cut >= len(b)/2 && len(packets) < len(want)/10 {
				t.Errorf("%s cut at %d of %d: only %d packets of %d", name, cut, len(b), len(packets), len(want))
			}
			if len(packets) > 0 && d.Packet != uint64(len(packets)+1) {
				t.Errorf("%s cut at %d: %v after %d packets", name, cut, err, len(packets))
			}
		}
	}
}

func TestCompressedDamaged(t *testing.T) {
	for name, pack := range compressors {
		file, want := sizedCapture(13, false, compressedSize(name))
		b := pack(file)
		for at := len(b) / 2; at < len(b)/2+64; at++ {
			b[at] ^= 0x55
		}
		packets, _, err := readCapture(bytes.NewReader(b), Options{})
		var d *DamageError
		if !errors.As(err, &d) {
			t.Errorf("%s: %v after %d packets", name, err, len(packets))
		}
		if len(packets) < len(want)/4 {
			t.Errorf("%s: only %d packets of %d", name, len(packets), len(want))
		}
	}
}

// TestBzip2 reads what bzip2 made, as there is no writer here.
func TestBzip2(t *testing.T) {
	f := pcapFile(le, 0xa1b2c3d4, 65535, 1)
	f.packet(1, 0, []byte("abcd"))
	b, err := base64.StdEncoding.DecodeString(bzip2Sample)
	if err != nil {
		t.Fatal(err)
	}
	checkPackets(t, mustRead(t, b), mustRead(t, f.b))
	for cut := 4; cut < len(b); cut++ {
		packets, _, err := readCapture(bytes.NewReader(b[:cut]), Options{})
		var d *DamageError
		if len(packets) > 1 || !errors.As(err, &d) {
			t.Errorf("cut at %d: %d packets, %v", cut, len(packets), err)
		}
	}
}

// TestCompressedMemory: headers that ask for gigabytes of window.
func TestCompressedMemory(t *testing.T) {
	zstd8G := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xb8, 1, 0, 0} // window of 8 GiB
	zstd128M := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 1, 0, 0, 2, 0, 0}
	// An xz block header that says 4 GiB of dictionary, its checksum right.
	xz4G := []byte{0xfd, '7', 'z', 'X', 'Z', 0, 0, 4, 0xe6, 0xd6, 0xb4, 0x46, 2, 0, 0x21, 1, 40, 0, 0, 0, 0, 0, 0, 0}
	fixXZ(xz4G)
	for name, b := range map[string][]byte{"zstd 8 GiB": zstd8G, "zstd 128 MiB": zstd128M, "xz 4 GiB": xz4G} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := readCapture(bytes.NewReader(b), Options{})
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		t.Logf("%s: %d KiB, %v", name, (after.TotalAlloc-before.TotalAlloc)>>10, err)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 300<<20 {
			t.Errorf("%s: %d MiB allocated", name, grown>>20)
		}
	}
}

// bzip2Sample is two members.
const bzip2Sample = "QlpoOTFBWSZTWSbMYqkAAAvAHvYAIAAQAAgABAAAAKAAIaeqGaahADA6cqFLwlgnsbnxdyRThQkCbMYqkEJaaDkxQVkmU1mTtC7D" +
	"AAABQQBEADwAIAAhKaYDAEXwHLhdyRThQkJO0LsM"

// fixXZ sets the checksum of the block header at offset 12.
func fixXZ(b []byte) {
	n := (int(b[12]) + 1) * 4
	le.PutUint32(b[12+n-4:], crc32.ChecksumIEEE(b[12:12+n-4]))
}

// TestGzipPadding: zeros behind a member are padding; anything else is damage, and
// what came before it is read.
func TestGzipPadding(t *testing.T) {
	member := compressors["gzip"]([]byte("abc"))
	zeros := make([]byte, 100<<10)
	for _, c := range []struct {
		name  string
		parts [][]byte
		want  string
		fails bool
	}{
		{"one member", [][]byte{member}, "abc", false},
		{"padded", [][]byte{member, zeros}, "abc", false},
		{"one zero", [][]byte{member, {0}}, "abc", false},
		{"two members", [][]byte{member, member}, "abcabc", false},
		{"members with padding between", [][]byte{member, zeros[:511], member, zeros[:7]}, "abcabc", false},
		{"an empty member", [][]byte{compressors["gzip"](nil), member}, "abc", false},
		{"other bytes behind", [][]byte{member, []byte("xyz")}, "abc", true},
		{"a cut member behind", [][]byte{member, zeros[:3], member[:len(member)-9]}, "abcabc", true},
	} {
		r, _, err := unpack.Detect([]byte{0x1f, 0x8b, 8}).Open(bytes.NewReader(bytes.Join(c.parts, nil)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if string(got) != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

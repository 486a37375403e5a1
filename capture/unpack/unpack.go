// Package unpack reads what is compressed by gzip, zstd, xz, bzip2 or LZ4, which
// it recognises by the first bytes. Captures and logs are kept so. What a file
// may ask for in memory is bounded.
package unpack

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Memory that a decompressor may use for its window, in bytes. Both are what
// the command-line tools accept without being asked: zstd up to --long=27, xz
// up to the dictionary of its highest preset with room to spare.
const (
	zstdWindow   = 128 << 20
	xzDictionary = 128 << 20
)

// Format is a compression format.
type Format struct {
	Name  string // "gzip", "zstd", "lz4", "xz" or "bzip2"
	magic []byte
	open  func(io.Reader) (io.Reader, func(), error)
}

// Open returns a reader of what is compressed in r, and what releases it, which
// may be nil. Members that are concatenated read as one stream.
func (f *Format) Open(r io.Reader) (plain io.Reader, release func(), err error) { return f.open(r) }

// MagicLen is how many bytes it takes to recognise a format.
const MagicLen = 6

var formats = []Format{
	{"gzip", []byte{0x1f, 0x8b, 8}, openGzip},          // RFC 1952
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, openZstd}, // RFC 8878
	{"lz4", []byte{0x04, 0x22, 0x4d, 0x18}, openLZ4},   // LZ4 frame
	{"lz4", []byte{0x02, 0x21, 0x4c, 0x18}, openLZ4},   // legacy LZ4 frame
	{"xz", xzMagic, openXZ},
	{"bzip2", []byte("BZh"), openBzip2},
	{"zstd", []byte{0x50, 0x2a, 0x4d, 0x18}, openZstd}, // a skippable frame, as pzstd writes first
}

// Detect recognises a compressed stream by its first bytes; nil if it is none.
func Detect(b []byte) *Format {
	for i := range formats {
		if bytes.HasPrefix(b, formats[i].magic) {
			return &formats[i]
		}
	}
	return nil
}

// May reports whether b may be the beginning of a compressed stream of which more
// is to come before that can be told.
func May(b []byte) bool {
	for i := range formats {
		if m := formats[i].magic; len(b) < len(m) && bytes.HasPrefix(m, b) {
			return true
		}
	}
	return false
}

func openGzip(r io.Reader) (io.Reader, func(), error) {
	in := bufio.NewReaderSize(r, 64<<10)
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, nil, err
	}
	z.Multistream(false)
	return &gzipReader{z, in}, nil, nil
}

// gzipReader reads gzip members one after the other. Zeros behind a member are
// padding, as of a tape, and no damage (gzip(1)).
type gzipReader struct {
	member *gzip.Reader
	in     *bufio.Reader
}

func (g *gzipReader) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 {
		if n, err = g.member.Read(p); err == io.EOF {
			err = g.next()
		}
	}
	return n, err
}

// next goes to the next member.
func (g *gzipReader) next() error {
	for {
		b, err := g.in.ReadByte()
		if err != nil {
			return err // io.EOF: the last one has ended
		}
		if b != 0 {
			break
		}
	}
	if err := g.in.UnreadByte(); err != nil {
		return err
	}
	if err := g.member.Reset(g.in); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	g.member.Multistream(false)
	return nil
}

func openZstd(r io.Reader) (io.Reader, func(), error) {
	// One goroutine is enough: the stream reads ahead on its own.
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}

func openLZ4(r io.Reader) (io.Reader, func(), error) { return lz4.NewReader(r), nil, nil }

func openBzip2(r io.Reader) (io.Reader, func(), error) { return bzip2.NewReader(r), nil, nil }

func openXZ(r io.Reader) (io.Reader, func(), error) {
	z, err := newXZReader(r)
	return z, nil, err
}

package unpack

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzReader reads the .xz container (version 1.2.1 of its specification) around
// LZMA2 data. The library that decodes these has a reader of the container too,
// but that one allocates the dictionary that a block asks for, up to 4 GiB, and
// takes a file that is cut between two blocks for whole.
type xzReader struct {
	in    *xzInput
	data  *lzma.Reader2 // of the open block; nil between blocks
	sum   hash.Hash     // of its data, or nil
	check byte          // kind of the sum that follows each block
	first bool          // no stream was begun yet
	err   error
}

var (
	xzMagic  = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	xzFooter = []byte("YZ")

	errXZHeader = errors.New("damaged header")
	errXZSum    = errors.New("checksum of a block is wrong")

	crc64ECMA = crc64.MakeTable(crc64.ECMA)
)

// xzSumSize is the size of a checksum by its kind, known or not.
var xzSumSize = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

func newXZReader(r io.Reader) (*xzReader, error) {
	x := &xzReader{in: &xzInput{r: bufio.NewReaderSize(r, 64<<10)}, first: true}
	return x, x.beginStream()
}

// xzInput counts bytes, and sums those of a header. The end of the input is an
// error wherever it is read through it.
type xzInput struct {
	r   *bufio.Reader
	n   int64
	sum uint32 // CRC-32 since it was set to 0
}

func (in *xzInput) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	in.n += int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (in *xzInput) full(p []byte) error {
	_, err := io.ReadFull(in, p)
	in.sum = crc32.Update(in.sum, crc32.IEEETable, p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (in *xzInput) readByte() (byte, error) {
	var b [1]byte
	err := in.full(b[:])
	return b[0], err
}

// number reads an integer of 7 bits a byte.
func (in *xzInput) number() (v uint64, err error) {
	for shift := 0; shift < 63; shift += 7 {
		b, err := in.readByte()
		if err != nil {
			return 0, err
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, errXZHeader
}

// align skips zeros until n is a multiple of 4.
func (in *xzInput) align(n int64) error {
	for ; n%4 != 0; n++ {
		if b, err := in.readByte(); err != nil {
			return err
		} else if b != 0 {
			return errXZHeader
		}
	}
	return nil
}

// checkSum compares what was summed with the sum that follows.
func (in *xzInput) checkSum() error {
	want := in.sum
	var b [4]byte
	if err := in.full(b[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(b[:]) != want {
		return errXZHeader
	}
	return nil
}

func (x *xzReader) Read(p []byte) (int, error) {
	for x.err == nil && len(p) > 0 {
		if x.data == nil {
			x.err = x.beginBlock()
			continue
		}
		n, err := x.data.Read(p)
		if x.sum != nil {
			x.sum.Write(p[:n])
		}
		if err == io.EOF {
			err = x.endBlock()
		}
		x.err = err
		if n > 0 {
			return n, nil
		}
	}
	return 0, x.err
}

// beginStream reads a stream header. Before it, but for the first one, there may
// be padding, or the end.
func (x *xzReader) beginStream() error {
	var b [8]byte
	for {
		if !x.first {
			if _, err := x.in.r.Peek(1); err != nil {
				return err // io.EOF: the one place where it is in order
			}
		}
		if err := x.in.full(b[:4]); err != nil {
			return err
		}
		if x.first || b[0]|b[1]|b[2]|b[3] != 0 {
			break
		}
	}
	x.first = false
	if err := x.in.full(b[4:6]); err != nil {
		return err
	}
	if string(b[:6]) != string(xzMagic) {
		return errors.New("something else follows the compressed data")
	}
	x.in.sum = 0
	if err := x.in.full(b[:2]); err != nil {
		return err
	}
	if b[0] != 0 || b[1] > 15 {
		return errXZHeader
	}
	x.check = b[1]
	return x.in.checkSum()
}

// beginBlock reads a block header, or the index that stands in the place of the
// last block and the footer behind it.
func (x *xzReader) beginBlock() error {
	in := x.in
	in.sum = 0
	start := in.n
	size, err := in.readByte()
	if err != nil {
		return err
	}
	if size == 0 {
		if err := x.endStream(start); err != nil {
			return err
		}
		return x.beginStream()
	}
	end := start + (int64(size)+1)*4 - 4 // of the header but for its sum
	flags, err := in.readByte()
	if err != nil {
		return err
	}
	for _, present := range []byte{0x40, 0x80} { // sizes of the block, not needed
		if flags&present != 0 {
			if _, err := in.number(); err != nil {
				return err
			}
		}
	}
	const lzma2 = 0x21
	filter, err := in.number()
	if err != nil {
		return err
	}
	if flags&0x3f != 0 || filter != lzma2 {
		return errors.New("a filter is used that is not known")
	}
	props, err := in.number()
	if err != nil {
		return err
	}
	bits, err := in.readByte()
	if err != nil {
		return err
	}
	if props != 1 || bits > 40 || in.n > end {
		return errXZHeader
	}
	for in.n < end {
		if b, err := in.readByte(); err != nil {
			return err
		} else if b != 0 {
			return errXZHeader
		}
	}
	if err := in.checkSum(); err != nil {
		return err
	}

	dictionary := int64(1)<<32 - 1
	if bits < 40 {
		dictionary = (2 | int64(bits&1)) << (bits/2 + 11)
	}
	if dictionary > xzDictionary {
		return fmt.Errorf("dictionary of %d MiB is above the limit of %d", dictionary>>20, xzDictionary>>20)
	}
	switch x.check {
	case 1:
		x.sum = crc32.NewIEEE()
	case 4:
		x.sum = crc64.New(crc64ECMA)
	case 10:
		x.sum = sha256.New()
	default:
		x.sum = nil
	}
	in.n = 0 // count the data of the block
	x.data, err = lzma.Reader2Config{DictCap: int(dictionary)}.NewReader2(in)
	return err
}

// endBlock reads the padding and the checksum behind the data of a block.
func (x *xzReader) endBlock() error {
	x.data = nil
	if err := x.in.align(x.in.n); err != nil {
		return err
	}
	var b [64]byte
	got := b[:xzSumSize[x.check]]
	if err := x.in.full(got); err != nil {
		return err
	}
	if x.sum == nil {
		return nil
	}
	want := x.sum.Sum(nil)
	if x.check != 10 { // the two CRCs are little-endian
		for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
			want[i], want[j] = want[j], want[i]
		}
	}
	if string(got) != string(want) {
		return errXZSum
	}
	return nil
}

// endStream reads the index, which began at start, and the footer.
func (x *xzReader) endStream(start int64) error {
	in := x.in
	n, err := in.number()
	if err != nil {
		return err
	}
	for range n { // two sizes a block
		for range 2 {
			if _, err := in.number(); err != nil {
				return err
			}
		}
	}
	if err := in.align(in.n - start); err != nil {
		return err
	}
	if err := in.checkSum(); err != nil {
		return err
	}
	var b [12]byte
	if err := in.full(b[:]); err != nil {
		return err
	}
	if string(b[10:]) != string(xzFooter) || crc32.ChecksumIEEE(b[4:10]) != binary.LittleEndian.Uint32(b[:]) {
		return errors.New("damaged footer")
	}
	return nil
}

package follow

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/portannot/portannot/capture/unpack"
)

// older is what rotations put into a name: .1, -20261201, .2026-12-01T09:30:00,
// -20261201T093000.000Z.
var older = regexp.MustCompile(`^[._-]\d[\d.:_TZ-]*$`)

var compressedSuffixes = []string{".gz", ".zst", ".xz", ".bz2", ".lz4"}

func isCompressedName(name string) bool {
	for _, s := range compressedSuffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// plainName gives a name without the suffix of compression.
func plainName(name string) string {
	for _, s := range compressedSuffixes {
		name = strings.TrimSuffix(name, s)
	}
	return name
}

// isOlder reports that name is one that a file at path gets when it is rotated.
func isOlder(path, name string) bool {
	if filepath.Dir(path) != filepath.Dir(name) {
		return false
	}
	base, name := filepath.Base(path), plainName(filepath.Base(name))
	if rest, ok := strings.CutPrefix(name, base); ok && older.MatchString(rest) {
		return true
	}
	ext := filepath.Ext(base)
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(base, ext))
	if !ok || ext == "" {
		return false
	}
	rest, ok = strings.CutSuffix(rest, ext)
	return ok && older.MatchString(rest)
}

// isOlderOfAny reports that there is a file of which name is an older one.
func isOlderOfAny(name string) bool {
	entries, _ := os.ReadDir(filepath.Dir(name))
	for _, e := range entries {
		if other := filepath.Join(filepath.Dir(name), e.Name()); other != name && isOlder(other, name) {
			return true
		}
	}
	return false
}

// decompress reads a compressed file.
func decompress(f interface {
	io.Reader
	io.ReaderAt
}) (io.ReadCloser, error) {
	var magic [unpack.MagicLen]byte
	n, _ := f.ReadAt(magic[:], 0)
	format := unpack.Detect(magic[:n])
	if format == nil {
		return nil, errors.New("not compressed as its name says")
	}
	plain, release, err := format.Open(f)
	if err != nil {
		return nil, err
	}
	return unpacked{plain, release}, nil
}

// unpacked is what a compressed file holds.
type unpacked struct {
	io.Reader
	release func()
}

func (u unpacked) Close() error {
	if u.release != nil {
		u.release()
	}
	return nil
}

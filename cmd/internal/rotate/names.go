package rotate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-strftime"
)

// stampLayout is the time in the name of a closed file, in UTC. Such names sort by
// time, and hold no colon, which Windows refuses.
const stampLayout = "20060102T150405.000Z"

// suffixes are those of compressed files.
var suffixes = map[string]string{"gzip": ".gz", "zstd": ".zst"}

// split parts a path where the time goes: before the extension.
func split(path string) (stem, ext string) {
	ext = filepath.Ext(path)
	if stem = strings.TrimSuffix(path, ext); filepath.Base(path) == ext {
		return path, "" // .profile
	}
	return stem, ext
}

// stamped gives the name of a file that was opened at a time.
func stamped(path string, t time.Time) string {
	stem, ext := split(path)
	return stem + "-" + t.UTC().Format(stampLayout) + ext
}

// moveAside gives a file a name of its own, with the first time from t on that no
// other file has.
func moveAside(path string, t time.Time) (to string, err error) {
	f, _, err := claim(path, t, 0o600)
	if err != nil {
		return "", err
	}
	f.Close() // to rename replaces; so the name was taken first
	if err := os.Rename(path, f.Name()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// claim makes a file whose name has the first time from t on that no other file has.
func claim(path string, t time.Time, mode fs.FileMode) (f *os.File, when time.Time, err error) {
	for t = t.Truncate(time.Millisecond); ; t = t.Add(time.Millisecond) {
		name := stamped(path, t)
		if taken(name+".gz") || taken(name+".zst") {
			continue
		}
		f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, t, err
		}
	}
}

func taken(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// closedFiles lists the files that were closed and renamed, also by earlier runs,
// the oldest first: for each its names, compressed and not.
func closedFiles(base string) (groups [][]string, err error) {
	stem, ext := split(base)
	entries, err := os.ReadDir(filepath.Dir(base))
	if err != nil {
		return nil, err
	}
	is := regexp.MustCompile(`^` + regexp.QuoteMeta(filepath.Base(stem)) + `-\d{8}T\d{6}\.\d{3}Z` + regexp.QuoteMeta(ext) + `(\.gz|\.zst)?$`)
	byName := map[string][]string{}
	for _, e := range entries {
		if m := is.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			name := strings.TrimSuffix(e.Name(), m[1])
			byName[name] = append(byName[name], filepath.Join(filepath.Dir(base), e.Name()))
		}
	}
	for _, names := range byName {
		groups = append(groups, names)
	}
	slices.SortFunc(groups, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	return groups, nil
}

// Tcpdump is the way in which tcpdump names files: each has its name from the
// beginning. See its manual, -C, -G and -W.
type Tcpdump struct {
	Count int // -W: with a size, files in the ring; else files until the end. 0: no limit

	number int // of the file, from 0
}

// path gives the name of the present file.
func (n *Tcpdump) path(given string, opt *Options, now time.Time) string {
	if opt.Every > 0 {
		given = strftime.Format(given, now.Local())
	}
	width := 0
	if opt.Size > 0 {
		for x := n.Count - 1; x > 0; x /= 10 {
			width++
		}
	}
	if n.number == 0 && width == 0 {
		return given
	}
	return fmt.Sprintf("%s%0*d", given, width, n.number)
}

// ring reports that files are overwritten by later ones.
func (n *Tcpdump) ring(opt *Options) bool { return n.Count > 0 && opt.Size > 0 && opt.Every == 0 }

// Paths lists the names of a ring, nil for names that follow from the time.
func (n *Tcpdump) Paths(given string, opt *Options) (list []string) {
	if !n.ring(opt) {
		return nil
	}
	for i := range n.Count {
		list = append(list, (&Tcpdump{Count: n.Count, number: i}).path(given, opt, time.Time{}))
	}
	return list
}

// next goes to the next name, after a time or a size was reached.
func (n *Tcpdump) next(opt *Options, byTime bool) {
	switch {
	case byTime:
		n.number = 0
	case n.ring(opt) && n.number+1 >= n.Count:
		n.number = 0
	default:
		n.number++
	}
}

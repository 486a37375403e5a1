package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Expand turns command-line arguments into paths of captures. A pattern such
// as "ring_*.pcap" becomes the files that match it, sorted, unless a file
// has that very name. With recursive, a directory becomes the captures in it
// and below it, sorted; other files there are left out, and skipped counts
// them. The kind of a file is found from its content. "-" and file names stay as
// they are. The order of the arguments is kept.
func Expand(args []string, recursive bool) (paths []string, skipped int, err error) {
	for _, arg := range args {
		if arg == "-" {
			paths = append(paths, arg)
			continue
		}
		names := []string{arg}
		if _, err := os.Stat(arg); errors.Is(err, fs.ErrNotExist) {
			if names, err = filepath.Glob(arg); err != nil {
				return nil, 0, fmt.Errorf("expand %q: %w", arg, err)
			}
			if len(names) == 0 {
				return nil, 0, fmt.Errorf("expand %s: %w", arg, fs.ErrNotExist)
			}
			slices.Sort(names)
		} else if err != nil {
			return nil, 0, fmt.Errorf("expand: %w", err)
		}
		for _, name := range names {
			st, err := os.Stat(name)
			if err != nil {
				return nil, 0, fmt.Errorf("expand: %w", err)
			}
			if !st.IsDir() {
				paths = append(paths, name)
				continue
			}
			if !recursive {
				return nil, 0, fmt.Errorf("expand %s: %w", name, ErrDirectory)
			}
			found, n, err := captures(name)
			if err != nil {
				return nil, 0, fmt.Errorf("expand: %w", err)
			}
			paths = append(paths, found...)
			skipped += n
		}
	}
	return paths, skipped, nil
}

// ErrDirectory is wrapped by the error of Expand when an argument is a
// directory and recursive is false.
var ErrDirectory = errors.New("it is a directory, and reading directories was not asked for")

// captures lists the captures in dir and below. Links to directories are not
// followed, so it ends.
func captures(dir string) (paths []string, skipped int, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			return nil
		}
		if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() || !isCapture(path) {
			skipped++
			return nil
		}
		paths = append(paths, path)
		return nil
	})
	return paths, skipped, err
}

// isCapture looks at the beginning of a file. A damaged capture is one too.
func isCapture(path string) bool {
	r, err := Open(path, Options{NoReadAhead: true, small: true})
	if err == nil {
		r.Close()
		return true
	}
	var damage *DamageError
	return errors.As(err, &damage)
}

// Package outfile writes output files that are whole or not there.
//
// A file is written under a temporary name beside its own and takes its name
// with [File.Commit]: whoever opens it meanwhile sees the old content or the
// new. A file that is replaced keeps its permissions and, where the system lets
// us, its owner; a new one gets what the umask leaves. A symbolic link is
// followed, also to a file that is not there yet. What is no regular file, such
// as a device or a named pipe, is written as it is.
package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Prefix and Suffix mark the names of temporary files. A killed program leaves
// them behind; see [IsTemporary].
const (
	Prefix = ".portannot-"
	Suffix = ".part"
)

// IsTemporary reports whether a file name (or path) is one that this package
// gives to unfinished files.
func IsTemporary(name string) bool {
	name = filepath.Base(name)
	return strings.HasPrefix(name, Prefix) && strings.HasSuffix(name, Suffix)
}

// File is an output file that is being written.
type File struct {
	f    *os.File
	path string // of the finished file, links followed
	temp string // its name until Commit; "" where there is none
	done bool
	old  bool // a file with content is at the path
}

// maxLinks bounds a chain of symbolic links, as Linux does.
const maxLinks = 40

// Create begins an output file. The error is one of the file system, or says
// that the path is a directory.
func Create(path string) (*File, error) { return CreateMode(path, 0o666) }

// CreateMode is Create with the permissions of a file that replaces none, less the
// umask.
func CreateMode(path string, mode fs.FileMode) (*File, error) {
	target, err := Target(path)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	old, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = nil
	case err != nil:
		return nil, fmt.Errorf("write %s: %w", path, err)
	case old.IsDir():
		return nil, fmt.Errorf("write %s: is a directory", path)
	case !old.Mode().IsRegular():
		f, err := os.OpenFile(target, os.O_WRONLY, 0)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
		return &File{f: f, path: target}, nil
	}
	if old != nil {
		mode = 0o600 // until it has the old one's owner
	}
	temp := filepath.Join(filepath.Dir(target), Prefix+filepath.Base(target)+"."+strconv.FormatUint(rand.Uint64(), 36)+Suffix)
	o := &File{path: target, temp: temp, old: old != nil && old.Size() > 0}
	// Counted as unfinished before it is there, so that no moment is left in
	// which an ending program does not know of it.
	unfinished.add(o)
	if o.f, err = os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode); err != nil {
		unfinished.remove(o)
		var named *fs.PathError
		if errors.As(err, &named) {
			err = named.Err // without the temporary name
		}
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	if old != nil {
		// The owner first: to change it may clear bits of the mode. Only root
		// can give a file away; for others it stays theirs.
		keepOwner(o.f, old)
		// A sandbox may refuse to change what need not be changed.
		made, err := o.f.Stat()
		if err == nil && made.Mode().Perm() != old.Mode().Perm() {
			err = o.f.Chmod(old.Mode().Perm())
		}
		if err != nil {
			o.Discard()
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
	}
	return o, nil
}

// Target gives the path behind symbolic links, also where the last one names
// nothing yet.
func Target(path string) (string, error) {
	for range maxLinks {
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link, or nothing there
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", errors.New("too many symbolic links")
}

// KeepOwner gives a file the owner and permissions of an older one, where it may.
func KeepOwner(f *os.File, old fs.FileInfo) {
	// The owner first: to change it may clear bits of the mode.
	keepOwner(f, old)
	_ = f.Chmod(old.Mode().Perm())
}

// Write writes to the file.
func (o *File) Write(p []byte) (int, error) { return o.f.Write(p) }

// Replaces reports whether Commit replaces a regular file that has content.
func (o *File) Replaces() bool { return o.old }

// Folder gives the folder in which Commit renames, or Discard removes, a file; "" if
// the file is written in place.
func (o *File) Folder() string {
	if o.temp == "" {
		return ""
	}
	return filepath.Dir(o.temp)
}

// Path gives the path of the finished file, symbolic links followed.
func (o *File) Path() string { return o.path }

// Commit closes the file and gives it its name. When it fails, what stood at the
// path stands there still.
func (o *File) Commit() error {
	if o.done {
		return nil
	}
	if o.temp == "" {
		o.done = true
		if err := o.f.Close(); err != nil {
			return fmt.Errorf("write %s: %w", o.path, err)
		}
		return nil
	}
	// Without Sync, a loss of power could leave the new name with no content.
	err := o.f.Sync()
	if closeErr := o.f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(o.temp, o.path)
	}
	if err != nil {
		os.Remove(o.temp)
		err = fmt.Errorf("write %s: %w", o.path, err)
	}
	o.done = true
	unfinished.remove(o)
	return err
}

// Discard closes the file and removes what was written of it. After Commit it
// does nothing, so that it can be deferred.
func (o *File) Discard() {
	if o.done {
		return
	}
	o.done = true
	o.f.Close()
	if o.temp != "" {
		os.Remove(o.temp)
		unfinished.remove(o)
	}
}

// WriteFile writes a file by calling write, whole or not at all.
func WriteFile(path string, write func(*File) error) error {
	o, err := Create(path)
	if err != nil {
		return err
	}
	defer o.Discard()
	if err := write(o); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return o.Commit()
}

// unfinished are the files that have a temporary name just now.
var unfinished fileSet

type fileSet struct {
	mu    sync.Mutex
	files map[*File]bool
}

func (s *fileSet) add(o *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[*File]bool{}
	}
	s.files[o] = true
}

func (s *fileSet) remove(o *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, o)
}

// RemoveUnfinished removes the temporary files of this program. It is for one
// that ends at once, and keeps others from being made: it never gives its lock
// back.
func RemoveUnfinished() {
	unfinished.mu.Lock()
	for o := range unfinished.files {
		os.Remove(o.temp)
	}
}

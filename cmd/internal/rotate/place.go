package rotate

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/portannot/portannot/cmd/internal/outfile"
)

// Place is how far an output was written. A run that repeats what its predecessor did
// after a place goes back to it first: see GoBack.
type Place struct {
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	Size   int64  `json:"size"`
}

// Place writes what is held back, and gives how far the output then is. ok is false if
// it could not be written.
func (f *File) Place() (p Place, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil || !f.flush() {
		return Place{}, false
	}
	st, err := f.f.Stat()
	if err != nil {
		return Place{}, false
	}
	p = placeOf(st)
	p.Size = st.Size()
	return p, true
}

// GoBack removes what was written to the file at a path, and to those that came after
// it, behind a place. It does so only if one of them is the file of the place, and
// reports whether that is so, and how many bytes it removed.
func GoBack(path string, to Place) (found bool, removed int64, err error) {
	path, err = outfile.Target(path)
	if err != nil || to.Inode == 0 {
		return false, 0, err
	}
	groups, _ := closedFiles(path)
	var files []string // the oldest first
	for _, names := range groups {
		files = append(files, names[0])
	}
	files = append(files, path)
	at := slices.IndexFunc(files, func(name string) bool {
		st, err := os.Stat(name)
		p := Place{}
		if err == nil {
			p = placeOf(st)
		}
		return err == nil && p.Device == to.Device && p.Inode == to.Inode && st.Size() >= to.Size && !taken(name+".gz") && !taken(name+".zst") &&
			filepath.Ext(name) != ".gz" && filepath.Ext(name) != ".zst"
	})
	if at < 0 {
		return false, 0, nil
	}
	for i, name := range files[at:] {
		st, err := os.Stat(name)
		if err != nil {
			continue
		}
		size := int64(0)
		if i == 0 {
			size = to.Size
		}
		removed += st.Size() - size
		switch {
		case i > 0 && name != path:
			err = os.Remove(name)
		case st.Size() > size:
			err = os.Truncate(name, size)
		}
		if err != nil {
			return true, removed, err
		}
	}
	return true, removed, nil
}

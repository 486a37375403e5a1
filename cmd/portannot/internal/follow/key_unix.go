//go:build unix

package follow

import (
	"io/fs"
	"syscall"
)

// key tells the files of a system apart. It may be given to another file when one is
// removed and closed.
type key struct{ device, inode uint64 }

func keyOf(info fs.FileInfo) key {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return key{uint64(st.Dev), uint64(st.Ino)}
	}
	return key{}
}

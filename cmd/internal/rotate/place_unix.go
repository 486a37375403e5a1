//go:build unix

package rotate

import (
	"io/fs"
	"syscall"
)

func placeOf(st fs.FileInfo) Place {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return Place{Device: uint64(s.Dev), Inode: uint64(s.Ino)}
	}
	return Place{}
}

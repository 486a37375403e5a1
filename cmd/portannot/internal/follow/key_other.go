//go:build !unix

package follow

import (
	"hash/fnv"
	"io/fs"
)

// key tells the files of a system apart, where it has no numbers for them: by name.
type key struct{ device, inode uint64 }

func keyOf(info fs.FileInfo) key {
	h := fnv.New64a()
	h.Write([]byte(info.Name()))
	return key{0, h.Sum64()}
}

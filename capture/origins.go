package capture

import (
	"slices"
	"sync"
)

// origins says of which file each packet of several is. Packets that follow each other
// and are of one file share an entry.
type origins struct {
	mu   sync.Mutex
	last uint64 // packets so far
	runs []origin
	full bool // packets behind the last run are not known of
}

// origin is a run of packets of one file.
type origin struct {
	first uint64 // number of its first packet
	path  string
}

// maxOrigins bounds the runs, which take 24 bytes each. Files whose times do not overlap
// need one each; two that overlap may need one for each packet.
const maxOrigins = 1 << 20

// add notes that the next n packets are of a file.
func (o *origins) add(path string, n int) {
	if n == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	first := o.last + 1
	o.last += uint64(n)
	switch {
	case o.full:
	case len(o.runs) > 0 && o.runs[len(o.runs)-1].path == path:
	case len(o.runs) == maxOrigins:
		o.full = true
		o.runs = append(o.runs, origin{first: first})
	default:
		o.runs = append(o.runs, origin{first, path})
	}
}

// of gives the file of a packet, "" where it is not known.
func (o *origins) of(number uint64) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, found := slices.BinarySearchFunc(o.runs, number, func(r origin, n uint64) int {
		switch {
		case r.first < n:
			return -1
		case r.first > n:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	if i < 0 || number > o.last {
		return ""
	}
	return o.runs[i].path
}

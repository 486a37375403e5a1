// Package sandbox lets a process give up rights that it no longer needs.
//
// A program that captures packets needs root, or a capability, only to open its
// socket. After that it parses data from strangers. If a parser has a flaw, an
// attacker can do no more than the process may do. There are two steps, and
// neither can be undone:
//
//   - [DropPrivileges] changes from root to an ordinary user and gives up all
//     capabilities but those without which a file could not be opened later.
//   - [Apply] tells the kernel to refuse what capturing and printing never
//     need: opening other files, starting programs, opening connections, and
//     system calls that reach into other processes or the kernel.
//
// Both apply to all threads, and so to all goroutines. Open files and sockets,
// standard output and the capture ring can still be used.
package sandbox

import "errors"

// ErrRootNeeded is wrapped by the error of [DropPrivileges] when files are to be opened
// later, and this system or build cannot keep the right to that without keeping root.
var ErrRootNeeded = errors.New("a right of root is needed later")

// Options say which rights the process keeps. Files and folders that they list must
// exist. What [DropPrivileges] keeps for them, [Apply] limits to them where the
// kernel has Landlock.
type Options struct {
	// Write lists files that the process may open for reading and writing, and
	// folders below which it may create, rename and remove files.
	Write []string
	// Rename lists folders below which the process may rename and remove files,
	// but not open any. That is enough to give a finished file its name.
	Rename []string
	// Read lists files that the process may open for reading, and folders below
	// which it may.
	Read []string
	// ReadIfAllowed is like Read, as far as the user may read these files anyway:
	// no right of root is kept for them.
	ReadIfAllowed []string
	// Accept allows taking connections on sockets that listen already.
	Accept bool
	// Network allows opening sockets and connections, and what Accept allows.
	Network bool
}

// Package sandbox lets a process give up rights that it no longer needs.
//
// A program that captures packets needs root, or a capability, only to open its
// socket. After that it parses data from strangers. If a parser has a flaw, an
// attacker can do no more than the process may do. There are two steps, and
// neither can be undone:
//
//   - [DropPrivileges] changes from root to an ordinary user and gives up all
//     capabilities.
//   - [Apply] tells the kernel to refuse what capturing and printing never
//     need: opening other files, starting programs, opening connections, and
//     system calls that reach into other processes or the kernel.
//
// Both apply to all threads, and so to all goroutines. Open files and sockets,
// standard output and the capture ring can still be used.
package sandbox

// Options say which rights the process keeps.
type Options struct {
	// Write lists files that the process may open for reading and writing, and
	// directories below which it may create, rename and remove files. They must
	// exist. The permissions of the files apply as well.
	Write []string
	// Read lists files and directories that the process may open for reading.
	// They must exist.
	Read []string
	// Accept allows taking connections on sockets that listen already.
	Accept bool
	// Network allows opening sockets and connections, and what Accept allows.
	Network bool
}

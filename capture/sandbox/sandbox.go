// Package sandbox takes rights away from the process, once it holds what it
// needs.
//
// A capture program needs root, or a capability, for the one moment in which
// it opens its socket. Afterwards it parses what strangers send. Should a
// parser be subverted, the harm is bounded by what the process may still do.
// So there are two steps, both without return:
//
//   - [DropPrivileges] leaves root for an ordinary user and gives up all
//     capabilities.
//   - [Apply] makes the kernel refuse what capturing and printing never need:
//     files other than the open ones, programs, connections, and the system
//     calls with which one process reaches into another or into the kernel.
//
// Both hold for all threads, and so for all goroutines. Open files, sockets
// and the capture ring stay usable, standard output among them.
package sandbox

// Options say what the process still needs.
type Options struct {
	// Write are files that it will open for reading and writing, and folders
	// below which it may make, rename and remove files. They must exist. User
	// rights apply besides.
	Write []string
	// Read are files and folders that it will open for reading. They must
	// exist.
	Read []string
	// Network leaves it the right to open sockets and to connect.
	Network bool
}

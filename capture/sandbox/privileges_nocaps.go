//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package sandbox

// dropCapabilities has nothing to do: this system knows root only.
func dropCapabilities() error { return nil }

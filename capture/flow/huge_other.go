//go:build !linux

package flow

// hugePages does nothing: there is no such advice here, or it is not needed.
func hugePages[T any]([]T) {}

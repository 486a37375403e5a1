//go:build !linux

package rotate

import "errors"

// exchange is what these systems cannot do.
func exchange(_, _ string) error { return errors.ErrUnsupported }

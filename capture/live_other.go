//go:build !linux && !libpcap

package capture

import (
	"errors"
	"fmt"
	"io"
	"runtime"
)

// Live is a Source of packets from network interfaces. This build has none:
// see OpenLive.
type Live struct{}

var _ Source = (*Live)(nil)

// OpenLive fails: only Linux lets a program capture without a library. It
// matches errors.ErrUnsupported.
func OpenLive(LiveOptions) (*Live, error) {
	return nil, fmt.Errorf("live capture on %s needs libpcap (on Windows: Npcap): build with its headers installed and: go build -tags libpcap ./cmd/portannot: %w",
		runtime.GOOS, errors.ErrUnsupported)
}

// Next gives io.EOF.
func (*Live) Next([]Packet) (int, error) { return 0, io.EOF }

// Stop does nothing.
func (*Live) Stop() {}

// Stats gives zeros.
func (*Live) Stats() (LiveStats, error) { return LiveStats{}, nil }

// Gone gives none.
func (*Live) Gone() (names []string, left int) { return nil, 0 }

// Close does nothing.
func (*Live) Close() error { return nil }

// InterfaceName gives the empty string.
func (*Live) InterfaceName(uint32) string { return "" }

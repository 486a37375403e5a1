package packet

import "fmt"

// Side names one end of a flow, or both. The zero value is neither.
type Side uint8

// The sides.
const (
	NoSide Side = iota
	Source
	Destination
	Both // only where an answer can apply to both ends
	numSides
)

var sideNames = [numSides]string{"none", "source", "destination", "both"}

// String gives "source", "destination", "both" or "none".
func (s Side) String() string {
	if s < numSides {
		return sideNames[s]
	}
	return fmt.Sprintf("side(%d)", uint8(s))
}

// Opposite returns the other end. It returns NoSide and Both unchanged.
func (s Side) Opposite() Side {
	switch s {
	case Source:
		return Destination
	case Destination:
		return Source
	}
	return s
}

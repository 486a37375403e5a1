package packet

import "testing"

func TestSide(t *testing.T) {
	for _, c := range []struct {
		side, opposite Side
		name           string
	}{
		{NoSide, NoSide, "none"},
		{Source, Destination, "source"},
		{Destination, Source, "destination"},
		{Both, Both, "both"},
		{numSides, numSides, "side(4)"},
	} {
		if got := c.side.Opposite(); got != c.opposite {
			t.Errorf("%v: the opposite is %v, want %v", c.side, got, c.opposite)
		}
		if got := c.side.String(); got != c.name {
			t.Errorf("side %d is %q, want %q", uint8(c.side), got, c.name)
		}
	}
}

package record

import (
	"fmt"
	"testing"
)

func TestAppendHex(t *testing.T) {
	for _, n := range []uint64{0, 0x0123456789abcdef, 0xfedcba9876543210, 1<<64 - 1, 0x99999999aaaaaaaa} {
		if got, want := string(appendHex(nil, n)), fmt.Sprintf("%016x", n); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	n := uint64(1)
	for range 10_000 {
		n = n*6364136223846793005 + 1442695040888963407
		if got, want := string(appendHex(nil, n)), fmt.Sprintf("%016x", n); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}

func TestAppendFlags(t *testing.T) {
	for flags := range 1 << 8 {
		want := ""
		for i, letter := range flagLetters {
			if flags&(1<<i) != 0 {
				want += string(letter)
			}
		}
		if got := string(AppendFlags(nil, uint8(flags))); got != want {
			t.Errorf("%#02x: %q, want %q", flags, got, want)
		}
	}
}

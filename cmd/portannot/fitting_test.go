package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestFitting(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"short\n", "short\n"},
		{"a line of words that is too long\n", "a line of words that\nis too long\n"},
		{"key   value  words of the value\n", "key   value  words\n      of the value\n"},
		{"# a comment that is too long to fit\n", "# a comment that is\n# too long to fit\n"},
		{"\x1b[31mred   some words that go on\x1b[0m\n", "\x1b[31mred   some words\n      that go on\x1b[0m\n"},
		{"portannot: a message too long\n", "portannot: a message\nportannot:   too\nportannot:   long\n"},
		{"averylongwordthatfitsnowhere and more\n", "averylongwordthatfitsnowhere\nand more\n"},
		{"  indented   and the rest of it\n", "  indented   and the\n  rest of it\n"},
	} {
		for _, size := range []int{1, 7, 1000} {
			var out bytes.Buffer
			f := &fitting{w: &out, width: 20}
			for in := []byte(test.in); len(in) > 0; {
				n := min(size, len(in))
				f.Write(in[:n])
				in = in[n:]
			}
			if out.String() != test.want {
				t.Errorf("%q is\n%q, want\n%q", test.in, out.String(), test.want)
			}
			if strings.Join(strings.Fields(out.String()), "") != strings.Join(strings.Fields(test.in), "") && !strings.HasPrefix(test.in, "#") && !strings.HasPrefix(test.in, "portannot:") {
				t.Errorf("%q: something is lost: %q", test.in, out.String())
			}
		}
	}
}

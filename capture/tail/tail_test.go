package tail

import (
	"bytes"
	"strings"
	"testing"
)

func TestMark(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 100)
	for _, step := range []int{1, 7, 511, 512, 513, 5000} {
		var m Mark
		for at := 0; at < len(content); at += step {
			m.Read([]byte(content[at:min(at+step, len(content))]))
			if !m.Holds(strings.NewReader(content)) {
				t.Fatalf("step %d, at %d: the same file does not hold", step, at)
			}
		}
		for name, other := range map[string]string{
			"shorter":          content[:len(content)-1],
			"empty":            "",
			"another end":      content[:len(content)-1] + "x" + content,
			"another begin":    "x" + content[1:] + content,
			"another, shifted": "x" + content,
		} {
			if m.Holds(strings.NewReader(other)) {
				t.Errorf("step %d: %s: holds", step, name)
			}
		}
		if !m.Holds(strings.NewReader(content + "more")) {
			t.Errorf("step %d: a file that grew does not hold", step)
		}
	}
}

// TestMarkSection: the length of a section may be filled in later.
func TestMarkSection(t *testing.T) {
	b := append([]byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 8)...)
	b = append(b, "\x1c\x00\x00\x00"...)
	for len(b) < 2*kept {
		b = append(b, byte(len(b)))
	}
	var m Mark
	m.Read(b)
	c := bytes.Clone(b)
	copy(c[16:24], "\x00\x04\x00\x00\x00\x00\x00\x00")
	if !m.Holds(bytes.NewReader(c)) {
		t.Error("taken for another file")
	}
}

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"plain, Umläut, 日本\tx": "plain, Umläut, 日本\tx",
		"a\x1b]0;x\x07b":       `a\x1b]0;x\x07b`,
		"a\r\nportannot: b":    `a\r\nportannot: b`,
		"\u202egpj.exe\u0085":  `\u202egpj.exe\u0085`,
		"\u2028\ufeff\u200b":   `\u2028\ufeff\u200b`,
		"\xff\xe2\x80":         `\xff\xe2\x80`,
	} {
		if got := escaped(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestMessagesEscape gives names with control characters to each flag that names
// something: no message has them.
func TestMessagesEscape(t *testing.T) {
	ownData(t) // some of them write and install
	t.Chdir(t.TempDir())
	const name = "a\x1b]0;x\x07\r\nportannot: b\u202e"
	for _, c := range new(env).program().All() {
		if c.Run == nil {
			continue
		}
		words := strings.Fields(c.Path())[1:]
		lines := [][]string{append(words[:len(words):len(words)], name), append(words[:len(words):len(words)], "--"+name)}
		for _, f := range c.Flags() {
			if f.Value != "" && f.Long != "metrics" {
				lines = append(lines, append(words[:len(words):len(words)], "--"+f.Long, name))
			}
		}
		for _, args := range lines {
			var stderr bytes.Buffer
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			run(ctx, args, strings.NewReader(""), new(bytes.Buffer), &stderr)
			for _, line := range strings.SplitAfter(stderr.String(), "\n") {
				if strings.ContainsAny(line, "\x1b\x07\r\u202e") || line != "" && !strings.HasPrefix(line, "portannot: ") ||
					strings.HasPrefix(line, "portannot: b") {
					t.Errorf("%q: %q", args, line)
				}
			}
		}
	}
}

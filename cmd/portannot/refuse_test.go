package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// TestOutputIsInput goes over the tables: for each file that a command writes and
// each that it reads, one file as both is refused before anything is written.
func TestOutputIsInput(t *testing.T) {
	const content = "what stands here stays"
	pairs := 0
	for _, c := range new(env).program().All() {
		if c.Run == nil {
			continue
		}
		var in, out [][]string // arguments but for the path, which follows
		for _, f := range c.Flags() {
			switch f.Takes {
			case cli.File:
				in = append(in, []string{"--" + f.Long})
			case cli.Output:
				out = append(out, []string{"--" + f.Long})
			}
			if f.Value == "FILE" && f.Takes != cli.File && f.Takes != cli.Output {
				t.Errorf("%s --%s takes a file, and the table does not say whether it is read or written", c.Path(), f.Long)
			}
		}
		if c.Args == cli.File {
			in = append(in, nil)
		}
		command := strings.Fields(c.Path())[1:]
		for _, stdout := range []bool{false, true} {
			outs := out
			if stdout {
				outs = [][]string{nil}
			}
			for _, o := range outs {
				for _, i := range in {
					pairs++
					dir := t.TempDir()
					path, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
					if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
						t.Fatal(err)
					}
					if err := os.Link(path, link); err != nil {
						t.Skip(err)
					}
					args := append(append([]string{}, command...), append(append([]string{}, i...), path)...)
					var stderr bytes.Buffer
					var code int
					if stdout {
						f, err := os.OpenFile(link, os.O_WRONLY|os.O_APPEND, 0)
						if err != nil {
							t.Fatal(err)
						}
						code = run(context.Background(), args, strings.NewReader(""), f, &stderr)
						f.Close()
					} else {
						args = append(args[:len(command):len(command)], append(append(append([]string{}, o...), link), args[len(command):]...)...)
						code = run(context.Background(), args, strings.NewReader(""), new(bytes.Buffer), &stderr)
					}
					if code != exitUsage || !strings.Contains(stderr.String(), "this file is an input") {
						t.Errorf("portannot %s (standard output: %v): exit status %d: %s", strings.Join(args, " "), stdout, code, stderr.String())
					}
					if b, err := os.ReadFile(path); err != nil || string(b) != content {
						t.Errorf("portannot %s: the file has now %.40q", strings.Join(args, " "), b)
					}
				}
			}
		}
	}
	if pairs < 30 {
		t.Errorf("%d pairs: the tables were not read", pairs)
	}
}

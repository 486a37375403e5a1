package annotate

import "testing"

func TestAppendCSV(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"plain":            "plain",
		`a "b", c`:         `"a ""b"", c"`,
		"a\nb":             "\"a\nb\"",
		"=cmd|x":           `\x3dcmd|x`,
		"@SUM(1,2)":        `"\x40SUM(1,2)"`,
		"=":                `\x3d`,
		"@1":               `\x401`,
		"\t=1":             `\x09=1`,
		"-2+3":             `\x2d2+3`,
		"-":                "-",
		"-17.5":            "-17.5",
		"+1":               "+1",
		"a=b":              "a=b",
		"x\x1b[31m\r":      `"x\x1b[31m\r"`,
		"Zürich\u202e":     `Zürich\u202e`,
		"\u009b31m\xff":    `\u009b31m\xff`,
		"=\"\u2028\n\x00'": "\"\\x3d\"\"\\u2028\n\\x00'\"",
	} {
		if got := string(AppendCSV(nil, in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
		if got := string(AppendCSV(nil, []byte(in))); got != want {
			t.Errorf("bytes of %q: %s, want %s", in, got, want)
		}
	}
}

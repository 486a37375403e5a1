package main

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// fitting breaks lines that are wider than the terminal at their spaces. A line
// goes on below its last column, where two spaces or more begin one, so that what
// stands in columns stays there; a comment and a message go on as such. Words are never cut.
type fitting struct {
	w     io.Writer
	width int
	rest  []byte // a line that has not ended
	out   []byte
}

// textOutput is standard output for a format; text fits the terminal if it is one.
func (e *env) textOutput(format string) io.Writer {
	if format != "text" {
		return e.stdout
	}
	if width := terminalWidth(e.stdout); width > 0 {
		return &fitting{w: e.stdout, width: width}
	}
	return e.stdout
}

func (f *fitting) Write(p []byte) (int, error) {
	f.out = f.out[:0]
	for in := p; len(in) > 0; {
		i := bytes.IndexByte(in, '\n')
		if i < 0 {
			f.rest = append(f.rest, in...)
			break
		}
		line := in[:i]
		if len(f.rest) > 0 {
			f.rest = append(f.rest, line...)
			line = f.rest
		}
		f.out = append(f.fit(f.out, line), '\n')
		f.rest, in = f.rest[:0], in[i+1:]
	}
	if len(f.out) > 0 {
		if _, err := f.w.Write(f.out); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// hanging finds what goes before the lines that a line goes on in.
func (f *fitting) hanging(line []byte) []byte {
	for _, lead := range [][2]string{{"# ", "# "}, {"portannot: ", "portannot:   "}} {
		if bytes.HasPrefix(line, []byte(lead[0])) {
			return []byte(lead[1])
		}
	}
	own := len(line) - len(bytes.TrimLeft(line, " "))
	indent, column := own, 0
	spaces := 0
	for i := 0; i < len(line) && column < f.width; {
		n, visible := runeAt(line[i:])
		if visible && line[i] == ' ' {
			spaces++
		} else if visible {
			if spaces > 1 && column > own && column <= f.width*3/5 {
				indent = column
			}
			spaces = 0
		}
		if i += n; visible {
			column++
		}
	}
	return bytes.Repeat([]byte(" "), indent)
}

// runeAt gives the length of the next character or escape sequence, and whether it
// takes room on the screen.
func runeAt(b []byte) (n int, visible bool) {
	if b[0] == 0x1b {
		if end := bytes.IndexByte(b, 'm'); end >= 0 {
			return end + 1, false
		}
	}
	_, n = utf8.DecodeRune(b)
	return n, true
}

func visibleWidth(b []byte) (width int) {
	for len(b) > 0 {
		n, visible := runeAt(b)
		if b = b[n:]; visible {
			width++
		}
	}
	return width
}

func (f *fitting) fit(dst, line []byte) []byte {
	if visibleWidth(line) <= f.width {
		return append(dst, line...)
	}
	hanging := f.hanging(line)
	room, begun := f.width, false
	for len(line) > 0 {
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		end := bytes.IndexByte(line[spaces:], ' ')
		if end < 0 {
			end = len(line) - spaces
		}
		word := line[spaces : spaces+end]
		width := visibleWidth(word)
		if begun && spaces+width > room {
			dst = append(append(dst, '\n'), hanging...)
			room = f.width - len(hanging)
		} else {
			dst = append(dst, line[:spaces]...)
			room -= spaces
		}
		dst = append(dst, word...)
		room -= width
		line, begun = line[spaces+end:], true
	}
	return dst
}

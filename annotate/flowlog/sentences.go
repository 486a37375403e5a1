package flowlog

import (
	"bytes"
	"fmt"
	"strings"
)

// The grammar of sentences: text in which the values stand at known places.
//
//	Built {direction} TCP connection {} for {in}:{src}/{sport} [({natsrc}/{natsport})]to …
//
// A pattern is text that stands there as it is, "{FIELD}" for a value that goes
// up to the text behind it, "{}" for one that is not read, and "[…]" for a part
// that may be missing; "\\" before one of these makes it text. A value has no space, but "{FIELD*}" may, and "{*}" stands
// for anything. What follows the end of a pattern is not looked at.

// sentence is one kind of message.
type sentence struct {
	id      string // of the message, as the head has it; "" for none
	pattern string
	// given lists what the sentence says by being there: "proto=tcp,
	// outcome=denied".
	given string
}

// part is a part of a pattern.
type part struct {
	text    []byte // as it stands, when not empty
	field   field  // of a value
	any     bool   // the value may have spaces
	options []part // what may be missing
}

// sentenceTable has the patterns of a format.
type sentenceTable struct {
	begins []string
	list   []readySentence
}

type readySentence struct {
	id    string
	parts []part
	given []struct {
		field field
		text  []byte
	}
}

func newSentences(s *shape) (*sentenceTable, error) {
	t := &sentenceTable{}
	for begin := range strings.SplitSeq(s.begin, "|") {
		t.begins = append(t.begins, begin)
	}
	for _, x := range s.sentences {
		parts, rest, err := parsePattern(x.pattern, false)
		if err != nil || rest != "" {
			return nil, fmt.Errorf("pattern %q: %v", x.pattern, err)
		}
		ready := readySentence{id: x.id, parts: parts}
		for item := range items(x.given, ",") {
			key, text, _ := strings.Cut(item, "=")
			f, ok := fieldOf(key)
			if !ok {
				return nil, fmt.Errorf("given: no field %q", key)
			}
			ready.given = append(ready.given, struct {
				field field
				text  []byte
			}{f, []byte(text)})
		}
		t.list = append(t.list, ready)
	}
	return t, nil
}

// parsePattern reads a pattern up to its end, or to the "]" of an option.
func parsePattern(p string, option bool) (parts []part, rest string, err error) {
	for p != "" {
		switch p[0] {
		case '{':
			name, after, ok := strings.Cut(p[1:], "}")
			if !ok {
				return nil, "", fmt.Errorf("no } behind %q", p)
			}
			name, any := strings.CutSuffix(name, "*")
			x := part{any: any}
			if name != "" {
				if x.field, ok = fieldOf(name); !ok {
					return nil, "", fmt.Errorf("no field %q", name)
				}
			}
			parts, p = append(parts, x), after
		case '[':
			inner, after, err := parsePattern(p[1:], true)
			if err != nil {
				return nil, "", err
			}
			parts, p = append(parts, part{options: inner}), after
		case ']':
			if option {
				return parts, p[1:], nil
			}
			fallthrough
		default:
			var text []byte
			for p != "" && (len(text) == 0 || strings.IndexByte("{[]", p[0]) < 0) {
				if p[0] == '\\' {
					p = p[1:]
				}
				text, p = append(text, p[0]), p[1:]
			}
			parts = append(parts, part{text: text})
		}
	}
	if option {
		return nil, "", fmt.Errorf("no ] at the end")
	}
	return parts, "", nil
}

// match reads text by a pattern into v, and gives what is left of the text.
func match(parts []part, text []byte, v *values) (rest []byte, ok bool) {
	for i := range parts {
		x := &parts[i]
		switch {
		case len(x.text) > 0:
			if text, ok = bytes.CutPrefix(text, x.text); !ok {
				return nil, false
			}
		case x.options != nil:
			if after, ok := match(x.options, text, v); ok {
				text = after
			}
		default:
			end := valueEnd(parts[i+1:], text, x.any)
			if end < 0 {
				return nil, false
			}
			if x.field != noField {
				v.put(x.field, text[:end:end])
			}
			text = text[end:]
		}
	}
	return text, true
}

// valueEnd gives where a value ends: before the text that comes behind it, or
// before what may come between; -1 if neither is there.
func valueEnd(behind []part, text []byte, any bool) int {
	limit := len(text)
	if !any {
		if i := bytes.IndexByte(text, ' '); i >= 0 {
			limit = i
		}
	}
	end := -1
	for i := range behind {
		x := &behind[i]
		before := x.text
		if x.options != nil {
			before = x.options[0].text
		}
		if at := bytes.Index(text[:min(len(text), limit+len(before))], before); len(before) > 0 && at >= 0 && (end < 0 || at < end) {
			end = at
		}
		if x.options == nil {
			return end
		}
	}
	if end < 0 {
		end = limit
		if at := bytes.IndexByte(text[:limit], '('); !any && at > 0 {
			end = at // a remark behind the last value
		}
	}
	return end
}

// squeeze appends text with one space for many.
func squeeze(dst, text []byte) []byte {
	for i, c := range text {
		if c != ' ' || i > 0 && text[i-1] != ' ' {
			dst = append(dst, c)
		}
	}
	return dst
}

// sentenceAt reads a sentence that begins at a place, and reports whether it is
// a record of a format.
func (l *records) sentenceAt(r *Record, line []byte, at int) bool {
	for _, s := range l.sentences {
		for _, begin := range s.text.begins {
			text, ok := bytes.CutPrefix(line[at:], []byte(begin))
			if !ok || s.aligned && len(begin) < 4 && !bytes.Contains(text, []byte(" -> ")) {
				continue
			}
			r.of, r.by = s.format, plainPairs
			var id []byte
			if begin == "" || begin[0] != '%' {
				text = line[at:] // the pattern has the beginning too
			} else { // "%ASA-6-302013: "
				head, body, ok := bytes.Cut(text, []byte(": "))
				if i := bytes.LastIndexByte(head, '-'); ok && i >= 0 {
					id, text = head[i+1:], body
				}
			}
			if s.aligned {
				r.scratch = squeeze(r.scratch[:0], text)
				text = r.scratch
			}
			known := false
			for i := range s.text.list {
				x := &s.text.list[i]
				if x.id != string(id) {
					continue
				}
				known = known || x.id != ""
				r.values.reset()
				for _, g := range x.given {
					r.values.put(g.field, g.text)
				}
				if _, ok := match(x.parts, text, &r.values); ok {
					s.read(r, &r.values)
					return true
				}
			}
			if known {
				r.bad("a message whose form is not as documented", id)
			}
			if begin[0] != '%' && len(begin) <= len("sctp ") && !strings.HasSuffix(begin, ": ") { // other lines begin so too
				r.of, r.by = nil, nil
				break
			}
			return false
		}
	}
	return false
}

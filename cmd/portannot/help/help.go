// Package help holds the topics that `portannot help` explains, as the Markdown
// files beside it, and prints them for a terminal or as man pages.
//
// The topics use a small part of Markdown, which is what [Parse] reads: headings,
// paragraphs, lists with "-", quotes, fenced code, tables, and comments of HTML
// on lines of their own. Within text there are code, links and bold words. A
// parser of all of Markdown would add 1 MB to the program.
package help

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.md
var files embed.FS

// Topic is a text about one side of the program.
type Topic struct {
	Name     string // as typed: "sides"
	Title    string // one line
	Markdown string
}

// names lists the topics, in the order in which they are best read.
var names = []string{
	"examples", "captures", "live", "top", "filters", "states", "sides", "payload", "fields",
	"formats", "kafka", "findings", "policy", "rules", "registry", "engines",
	"limits", "environment", "exit", "security",
}

// Topics lists all topics.
func Topics() []Topic {
	var all []Topic
	for _, name := range names {
		b, err := files.ReadFile(name + ".md")
		if err != nil {
			panic(err) // the file is part of the program
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(b), "# "), "\n")
		all = append(all, Topic{name, title, string(b)})
	}
	return all
}

// Find gives the topic with a name.
func Find(name string) (Topic, bool) {
	for _, t := range Topics() {
		if t.Name == name {
			return t, true
		}
	}
	return Topic{}, false
}

// Names lists the names of the topics.
func Names() []string { return append([]string(nil), names...) }

// Code gives the contents of the topic's first block of code in a language,
// such as "yaml".
func (t Topic) Code(language string) string {
	blocks, _ := Parse(t.Markdown)
	for _, b := range blocks {
		if b.Kind == Code && b.Language == language {
			return strings.Join(b.Lines, "\n") + "\n"
		}
	}
	return ""
}

// Kind is the kind of a Block.
type Kind uint8

// The kinds.
const (
	Paragraph Kind = iota
	Heading
	Item // of a list
	Quote
	Code
	Table
)

// Block is a part of a text.
type Block struct {
	Kind     Kind
	Level    int        // of a heading: 1 is that of the whole text
	Language string     // of code; may be empty
	Text     string     // of all but code and tables, on one line, as written
	Lines    []string   // of code
	Rows     [][]string // of a table; the first has the names of the columns
	Line     int        // where the block begins, from 1
}

// Parse splits Markdown into its blocks. The error names the line of what is
// not in the part of Markdown that the topics use.
func Parse(md string) ([]Block, error) {
	var blocks []Block
	var open *Block // the text that the next line continues
	lines := strings.Split(strings.TrimRight(md, "\n"), "\n")
	for n := 0; n < len(lines); n++ {
		line := lines[n]
		begin := func(b Block) {
			b.Line = n + 1
			blocks = append(blocks, b)
			open = &blocks[len(blocks)-1]
		}
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "":
			open = nil
		case strings.HasPrefix(line, "<!--") && strings.HasSuffix(line, "-->"):
			open = nil
		case strings.HasPrefix(line, "```"):
			begin(Block{Kind: Code, Language: line[3:]})
			end := n + 1
			for end < len(lines) && lines[end] != "```" {
				end++
			}
			if end == len(lines) {
				return blocks, fmt.Errorf("line %d: the code has no end", n+1)
			}
			open.Lines = lines[n+1 : end]
			n, open = end, nil
		case strings.HasPrefix(line, "#"):
			text := strings.TrimLeft(line, "#")
			begin(Block{Kind: Heading, Level: len(line) - len(text), Text: strings.TrimSpace(text)})
			open = nil
		case strings.HasPrefix(line, "|"):
			if open == nil || open.Kind != Table {
				begin(Block{Kind: Table})
			}
			if cells := splitCells(line); strings.Trim(strings.Join(cells, ""), "-: ") != "" {
				open.Rows = append(open.Rows, cells)
			}
		case strings.HasPrefix(line, "- "):
			begin(Block{Kind: Item, Text: strings.TrimSpace(line[2:])})
		case strings.HasPrefix(line, "> "):
			if open != nil && open.Kind == Quote {
				open.Text += " " + strings.TrimSpace(line[2:])
			} else {
				begin(Block{Kind: Quote, Text: strings.TrimSpace(line[2:])})
			}
		case open != nil && (open.Kind == Paragraph || open.Kind == Item && strings.HasPrefix(line, "  ")):
			open.Text += " " + trimmed
		case open == nil && line == trimmed && !strings.HasPrefix(line, "<"):
			begin(Block{Kind: Paragraph, Text: trimmed})
		default:
			return blocks, fmt.Errorf("line %d: %q is none of what topics may have", n+1, line)
		}
	}
	return blocks, nil
}

// splitCells splits a row of a table. In a cell, "\|" is a bar.
func splitCells(line string) []string {
	const bar = "\x00"
	line = strings.ReplaceAll(strings.Trim(strings.TrimSpace(line), "|"), `\|`, bar)
	cells := strings.Split(line, "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], bar, "|"))
	}
	return cells
}

// Style says how words are set.
type Style uint8

// The styles.
const (
	Plain   Style = iota
	Literal       // code
	Bold
)

// Span is words of one style.
type Span struct {
	Text  string
	Style Style
}

// Spans splits the text of a block into its words of different styles. Of a link
// only its text is left, with the address behind it if it is one of the web.
func Spans(text string) []Span {
	var spans []Span
	plain := func(s string) {
		if s != "" {
			spans = append(spans, Span{s, Plain})
		}
	}
	for text != "" {
		at := strings.IndexAny(text, "`*[")
		if at < 0 {
			break
		}
		rest := text[at:]
		switch {
		case rest[0] == '`':
			if end := strings.IndexByte(rest[1:], '`'); end >= 0 {
				plain(text[:at])
				spans = append(spans, Span{rest[1 : 1+end], Literal})
				text = rest[end+2:]
				continue
			}
		case strings.HasPrefix(rest, "**"):
			if end := strings.Index(rest[2:], "**"); end >= 0 {
				plain(text[:at])
				spans = append(spans, Span{rest[2 : 2+end], Bold})
				text = rest[end+4:]
				continue
			}
		case rest[0] == '[':
			words, after, ok := strings.Cut(rest[1:], "](")
			address, after, closed := strings.Cut(after, ")")
			if ok && closed && !strings.Contains(words, "[") {
				plain(text[:at])
				spans = append(spans, Spans(words)...)
				if strings.HasPrefix(address, "https://") {
					plain(" <" + address + ">")
				}
				text = after
				continue
			}
		}
		plain(text[:at+1])
		text = rest[1:]
	}
	plain(text)
	return spans
}

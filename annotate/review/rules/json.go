package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// node is a JSON value that knows where it stands. Members keep their order,
// since nft names a statement by the only key of its object.
type node struct {
	kind nodeKind
	text string // of a string, or a number as it was written
	keys []string
	list []*node // elements, or the values of keys
	line int
	from int // offset of the first byte, and of the one behind the last
	to   int
}

type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeBool
	nodeNumber
	nodeString
	nodeArray
	nodeObject
)

// maxNesting bounds how deep JSON values may nest. What nft prints nests about
// ten deep.
const maxNesting = 200

// get gives the value of a key, nil when there is none. A nil node has none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != nodeObject {
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.list[i]
		}
	}
	return nil
}

// str gives the text of a string, "" for all else.
func (n *node) str() string {
	if n == nil || n.kind != nodeString {
		return ""
	}
	return n.text
}

// number gives an integer that is not negative.
func (n *node) number() (uint64, bool) {
	if n == nil || n.kind != nodeNumber {
		return 0, false
	}
	v, err := strconv.ParseUint(n.text, 10, 64)
	return v, err == nil
}

// is reports whether the value is of a kind; a nil node is of none.
func (n *node) is(k nodeKind) bool { return n != nil && n.kind == k }

// elements gives those of an array, and a single value as the only element.
func (n *node) elements() []*node {
	switch {
	case n == nil || n.kind == nodeNull:
		return nil
	case n.kind == nodeArray:
		return n.list
	}
	return []*node{n}
}

// only gives the key and value of an object that has one member.
func (n *node) only() (string, *node) {
	if n.is(nodeObject) && len(n.keys) == 1 {
		return n.keys[0], n.list[0]
	}
	return "", nil
}

// jsonReader builds nodes.
type jsonReader struct {
	data []byte
	d    *json.Decoder
	at   int // the line of offset seen is line
	line int
}

// readJSON reads one JSON value, with nothing but white space behind it. The
// error begins with the file's name and the line.
func readJSON(data []byte, name string) (*node, error) {
	r := jsonReader{data: data, d: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.d.UseNumber()
	n, err := r.value(0)
	if err == nil {
		if _, more := r.d.Token(); more == nil {
			err = errors.New("more than one JSON value")
		} else if more != io.EOF {
			err = more
		}
	}
	if err == nil {
		return n, nil
	}
	at := r.d.InputOffset()
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		at, err = int64(len(data)), errors.New("JSON ends in the middle")
	}
	line, column := position(data, int(at))
	return nil, fmt.Errorf("%s:%d: column %d: %w", name, line, column, err)
}

// position gives line and column, both from 1, of an offset.
func position(data []byte, at int) (line, column int) {
	before := data[:min(max(at, 0), len(data))]
	return bytes.Count(before, []byte{'\n'}) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

// begin gives the offset and line at which the next token begins.
func (r *jsonReader) begin() (offset, line int) {
	i := int(r.d.InputOffset())
	for i < len(r.data) && (r.data[i] == ' ' || r.data[i] == '\t' || r.data[i] == '\n' || r.data[i] == '\r' || r.data[i] == ',' || r.data[i] == ':') {
		i++
	}
	r.line += bytes.Count(r.data[r.at:i], []byte{'\n'})
	r.at = i
	return i, r.line
}

func (r *jsonReader) value(depth int) (*node, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("JSON nests deeper than %d", maxNesting)
	}
	n := new(node)
	n.from, n.line = r.begin()
	t, err := r.d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		n.kind = nodeArray
		if t == '{' {
			n.kind = nodeObject
		}
		for r.d.More() {
			if n.kind == nodeObject {
				key, err := r.d.Token()
				if err != nil {
					return nil, err
				}
				k, _ := key.(string) // the decoder accepts nothing else there
				n.keys = append(n.keys, k)
			}
			v, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, v)
		}
		if _, err := r.d.Token(); err != nil {
			return nil, err
		}
	case string:
		n.kind, n.text = nodeString, t
	case json.Number:
		n.kind, n.text = nodeNumber, t.String()
	case bool:
		n.kind, n.text = nodeBool, strconv.FormatBool(t)
	}
	n.to = int(r.d.InputOffset())
	return n, nil
}

// source gives the value as it was written, on one line.
func (n *node) source(data []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, data[n.from:n.to]); err != nil {
		return n.text
	}
	return b.String()
}

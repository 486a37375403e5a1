package rules

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// element of XML, with where it begins.
type xmlNode struct {
	name  string
	attrs []xml.Attr
	text  string // all of its own text, without white space around it
	list  []*xmlNode
	line  int
}

// Bounds of XML: a configuration of pfSense has about 30,000 elements, 10 deep.
const (
	maxXMLDepth    = 64
	maxXMLElements = 4 << 20
)

// readXML reads a document. The error begins with the file's name and the line.
func readXML(data []byte, name string) (*xmlNode, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	var root *xmlNode
	var open []*xmlNode
	count := 0
	fail := func(err error) error {
		line, _ := d.InputPos()
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) {
			line, err = syntax.Line, errors.New("xml: "+syntax.Msg)
		}
		return fmt.Errorf("%s:%d: %w", name, line, err)
	}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			if root == nil {
				return nil, fmt.Errorf("%s: xml without an element", name)
			}
			return root, nil
		}
		if err != nil {
			return nil, fail(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			line, _ := d.InputPos()
			n := &xmlNode{name: t.Name.Local, attrs: t.Attr, line: line}
			if count++; count > maxXMLElements || len(open) >= maxXMLDepth {
				return nil, fail(errors.New("xml has too many elements, or nests them too deeply"))
			}
			switch {
			case len(open) > 0:
				open[len(open)-1].list = append(open[len(open)-1].list, n)
			case root != nil:
				return nil, fail(errors.New("xml with two documents"))
			default:
				root = n
			}
			open = append(open, n)
		case xml.EndElement:
			n := open[len(open)-1]
			n.text = strings.TrimSpace(n.text)
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		}
	}
}

// get finds the first element on a path of names; nil if there is none.
func (n *xmlNode) get(path ...string) *xmlNode {
	for _, name := range path {
		if n == nil {
			return nil
		}
		var found *xmlNode
		for _, c := range n.list {
			if c.name == name {
				found = c
				break
			}
		}
		n = found
	}
	return n
}

// str gives the text of the first element on a path.
func (n *xmlNode) str(path ...string) string {
	if n = n.get(path...); n == nil {
		return ""
	}
	return n.text
}

// children gives the elements of one name on a path.
func (n *xmlNode) children(path ...string) (all []*xmlNode) {
	if n = n.get(path[:len(path)-1]...); n == nil {
		return nil
	}
	for _, c := range n.list {
		if c.name == path[len(path)-1] {
			all = append(all, c)
		}
	}
	return all
}

// on reports an element that switches something on: empty, as pfSense has it, or
// with a word that is not for off.
func (n *xmlNode) on(name string) bool {
	n = n.get(name)
	return n != nil && n.text != "0" && n.text != "no" && n.text != "false"
}

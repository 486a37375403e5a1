package rules

import (
	"bytes"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
)

// yamlDocuments reads the documents of a YAML stream, of which JSON is a part.
// Those before an error are given too.
func yamlDocuments(data []byte) ([]*yaml.Node, error) {
	l, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	var all []*yaml.Node
	for {
		n := new(yaml.Node)
		switch err := l.Load(n); err {
		case nil:
			all = append(all, n)
		case io.EOF:
			return all, nil
		default:
			return all, err
		}
	}
}

// yaml gives a JSON value as YAML, so that one reader serves both.
func (n *node) yaml() *yaml.Node {
	y := &yaml.Node{Line: n.line, Value: n.text}
	switch n.kind {
	case nodeArray:
		y.Kind = yaml.SequenceNode
	case nodeObject:
		y.Kind = yaml.MappingNode
	case nodeString:
		y.Kind, y.Tag = yaml.ScalarNode, "!!str"
	case nodeNumber:
		y.Kind, y.Tag = yaml.ScalarNode, "!!int"
	case nodeBool:
		y.Kind, y.Tag = yaml.ScalarNode, "!!bool"
	default:
		y.Kind, y.Tag, y.Value = yaml.ScalarNode, "!!null", "null"
	}
	for i, v := range n.list {
		if n.kind == nodeObject {
			y.Content = append(y.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: n.keys[i], Line: v.line})
		}
		y.Content = append(y.Content, v.yaml())
	}
	return y
}

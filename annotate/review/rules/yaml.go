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

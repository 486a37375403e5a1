package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// file is a rules file of a known kind.
type file struct {
	name string
	kind Kind
	data []byte
	root *node        // of JSON
	docs []*yaml.Node // of YAML
}

const kinds = "rules are the output of nft -j list ruleset, iptables-save, ip6tables-save, ipset save, aws ec2 describe-security-groups or describe-network-acls, or pfctl -sr, the configuration of a Cisco ASA or config.xml of pfSense or OPNsense, network policies of Kubernetes in YAML or JSON, or a table of rules in CSV or JSON (portannot help rules)"

// load reads a file and finds its kind.
func load(src Source) (file, error) {
	f := file{name: src.Name}
	var err error
	if f.data, err = io.ReadAll(io.LimitReader(src.Reader, maxFile+1)); err != nil {
		return f, fmt.Errorf("%s: %w", f.name, err)
	}
	if len(f.data) > maxFile {
		return f, fmt.Errorf("%s: more than %d MiB", f.name, maxFile>>20)
	}
	f.data = bytes.TrimPrefix(f.data, []byte{0xef, 0xbb, 0xbf})
	text := bytes.TrimSpace(f.data)
	if len(text) == 0 {
		return f, fmt.Errorf("%s: the file is empty; %s", f.name, kinds)
	}
	if hint := binaryHint(f.data); hint != "" {
		return f, fmt.Errorf("%s: %s; %s", f.name, hint, kinds)
	}
	if text[0] == '{' || text[0] == '[' {
		return f, f.findJSON()
	}
	if text[0] == '<' {
		if !isSense(f.data) {
			return f, fmt.Errorf("%s: %s", f.name, xmlHint(f.data))
		}
		f.kind = Sense
		return f, nil
	}
	if csvMark(f.data) != 0 {
		f.kind = Table
		return f, nil
	}
	if f.kind = textKind(f.data); f.kind == NetworkPolicy {
		if f.docs, err = yamlDocuments(f.data); err != nil {
			return f, yamlError(f.name, err)
		}
	}
	if f.kind == NoKind && isASA(f.data) {
		f.kind = ASA
	}
	if f.kind == NoKind && isAddressList(f.data) {
		f.kind = PFTable
	}
	if f.kind == NoKind {
		return f, fmt.Errorf("%s: %s", f.name, textHint(f.data))
	}
	return f, nil
}

// Recognise reports whether a file that begins with data is one of rules, of a kind
// that [Read] reads or names. A list of addresses is too little to tell.
func Recognise(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte{0xef, 0xbb, 0xbf})
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0, binaryHint(data) != "":
		return false
	case text[0] == '{' || text[0] == '[':
		return rulesKeys(firstKeys(text)) || rulesInJSON(text)
	case text[0] == '<':
		return isSense(data) || strings.HasPrefix(xmlHint(data), "a ")
	case csvMark(data) != 0:
		return !bytes.Contains(bytes.ToLower(firstLine(data)), []byte("time")) // a log says when
	}
	return textKind(data) != NoKind || isASA(data) || !strings.HasPrefix(textHint(data), "not rules")
}

// rulesInJSON reports whether a whole file of JSON has rules that only its rows tell.
func rulesInJSON(data []byte) bool {
	root, err := readJSON(data, "")
	if err != nil {
		return false
	}
	table := tableRows(root)
	return jsonHint(root) != "" || table != nil && !slices.ContainsFunc(table.list[0].keys, func(key string) bool {
		return strings.Contains(strings.ToLower(key), "time") // a log says when
	})
}

// firstLine gives the first line that is no comment.
func firstLine(data []byte) []byte {
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return line
		}
	}
	return nil
}

// firstKeys gives the keys of a JSON object, or of the first one in an array, as far
// as they stand in data.
func firstKeys(data []byte) map[string]bool {
	keys := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(data))
	t, err := d.Token()
	if t == json.Delim('[') {
		t, err = d.Token()
	}
	if err != nil || t != json.Delim('{') {
		return keys
	}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			break
		}
		keys[name] = true
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
	}
	return keys
}

// rulesKeys reports whether keys are those of rules in JSON.
func rulesKeys(keys map[string]bool) bool {
	for _, one := range []string{"nftables", "SecurityGroups", "NetworkInterfaces", "NetworkAcls", "Subnets", "PrefixLists"} {
		if keys[one] {
			return true
		}
	}
	return keys["GroupId"] && (keys["IpPermissions"] || keys["IpPermissionsEgress"]) || keys["kind"] && keys["apiVersion"]
}

// findJSON reads JSON and finds what it is.
func (f *file) findJSON() (err error) {
	if f.root, err = readJSON(f.data, f.name); err != nil {
		return err
	}
	first := f.root
	if first.is(nodeArray) && len(first.list) > 0 {
		first = first.list[0]
	}
	switch {
	case f.root.get("nftables") != nil:
		f.kind = NFT
	case f.root.get("SecurityGroups") != nil, f.root.get("NetworkInterfaces") != nil, f.root.get("NetworkAcls") != nil, f.root.get("Subnets") != nil, f.root.get("PrefixLists") != nil,
		f.root.get("Entries").is(nodeArray) && len(f.root.get("Entries").list) > 0 && f.root.get("Entries").list[0].get("Cidr") != nil, first.get("GroupId") != nil && (first.get("IpPermissions") != nil || first.get("IpPermissionsEgress") != nil):
		f.kind = AWS
	case tableRows(f.root) != nil:
		f.kind = Table
	case first.get("kind") != nil && first.get("apiVersion") != nil:
		f.kind = NetworkPolicy
		f.docs = []*yaml.Node{f.root.yaml()}
	default:
		if hint := jsonHint(f.root); hint != "" {
			return fmt.Errorf("%s: %s", f.name, hint)
		}
		return fmt.Errorf("%s:%d: JSON of an unknown kind; %s", f.name, f.root.line, kinds)
	}
	return nil
}

// binaryHint says what a file is that is no text.
func binaryHint(data []byte) string {
	for _, m := range []struct{ magic, is string }{
		{"\xd4\xc3\xb2\xa1", "a packet capture, which is given with -r"},
		{"\xa1\xb2\xc3\xd4", "a packet capture, which is given with -r"},
		{"\x4d\x3c\xb2\xa1", "a packet capture, which is given with -r"},
		{"\xa1\xb2\x3c\x4d", "a packet capture, which is given with -r"},
		{"\x0a\x0d\x0d\x0a", "a packet capture, which is given with -r"},
		{"\x1f\x8b", "compressed with gzip: unpack it first"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"},
	} {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return m.is
		}
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return "no text"
	}
	return ""
}

// textKind tells kinds that are lines of text by their first lines.
func textKind(data []byte) Kind {
	sc := newLines(data)
	for range 400 {
		if !sc.Scan() {
			break
		}
		line := strings.TrimRight(sc.Text(), " \t\r")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		first := words[0]
		switch {
		case saveFamily(line) != 0, len(words) == 1 && iptTables[first], first == "-P" && len(words) == 3, first == "-A" && len(words) > 2, first == "-N" && len(words) == 2:
			return IPTables
		case first == "create" && len(words) >= 3 && strings.Contains(words[2], ":"):
			return IPSet
		case strings.HasPrefix(line, "apiVersion:"), strings.HasPrefix(line, "kind:"), strings.HasPrefix(line, "- apiVersion:"), strings.HasPrefix(line, "- kind:"), strings.HasPrefix(line, "items:"):
			return NetworkPolicy
		case pfLine(words):
			return PF
		}
	}
	return NoKind
}

var iptTables = map[string]bool{"*filter": true, "*nat": true, "*mangle": true, "*raw": true, "*security": true}

// pfLine reports whether a line is a rule of pf with what no other kind has.
func pfLine(words []string) bool {
	if len(words) < 2 {
		return false
	}
	switch words[0] {
	case "pass", "block":
		switch words[1] {
		case "in", "out", "all", "quick", "log", "on", "inet", "inet6", "proto", "from", "to", "drop", "return", "return-rst", "return-icmp", "return-icmp6":
			return true
		}
		return strings.HasPrefix(words[1], "return")
	case "nat", "rdr", "binat":
		return words[1] == "on" || words[1] == "pass" || words[1] == "log" || words[1] == "inet" || words[1] == "inet6"
	case "table":
		return strings.HasPrefix(words[1], "<")
	case "match":
		return words[1] == "in" || words[1] == "out"
	case "scrub":
		return words[1] == "in" || words[1] == "out" || words[1] == "on" || words[1] == "all"
	}
	return false
}

// isAddressList reports the lines that pfctl -T show prints: an address or a network
// on each.
func isAddressList(data []byte) bool {
	some := false
	for sc := newLines(data); sc.Scan(); {
		text, _, _ := strings.Cut(sc.Text(), "#")
		text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "!"))
		if text == "" {
			continue
		}
		if _, ok := prefixOf(text); !ok {
			return false
		}
		some = true
	}
	return some
}

// yamlError puts the file's name and the line before an error of YAML.
func yamlError(name string, err error) error {
	var le *yaml.LoadError
	if errors.As(err, &le) && le.Mark.Line > 0 {
		return fmt.Errorf("%s:%d: %s", name, le.Mark.Line, le.Message)
	}
	return fmt.Errorf("%s: %w", name, err)
}

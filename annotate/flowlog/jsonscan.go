package flowlog

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
	"strings"
)

// A JSON line is read where it stands: what is looked for is found by its
// path, the rest is stepped over, and nothing is decoded or written anew. So
// numbers keep their spelling, keys their order, and a key that comes twice
// stays twice; where it is one that is read, the last one counts, as it does
// for most readers. The grammar of RFC 8259 is checked as far as a value's
// extent depends on it. Control characters inside strings are let through,
// since careless writers leave them there.

// jsonNode is a key on the way to a field that is looked for.
type jsonNode struct {
	key      string
	id       int  // of a node with children: its number in the tree
	field    int  // number of the value's path, or -1
	deep     bool // a child has children
	children []jsonNode
	byKey    map[string]*jsonNode // children, where there are many
}

// newJSONTree gives the tree of paths, keys with dots between the levels, and
// their numbers.
func newJSONTree(paths map[string]uint16) *jsonNode {
	root := &jsonNode{field: -1}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		n := root
		keys := strings.Split(path, ".")
		for i, key := range keys {
			n.deep = n.deep || i < len(keys)-1
			c := n.child([]byte(key))
			if c == nil {
				n.children = append(n.children, jsonNode{key: key, field: -1})
				c = &n.children[len(n.children)-1]
			}
			n = c
		}
		n.field = int(paths[path])
	}
	root.number(0)
	return root
}

// number gives numbers from id on to the nodes with children, and the number
// behind them.
func (n *jsonNode) number(id int) int {
	if len(n.children) == 0 {
		return id
	}
	n.id = id
	id++
	if len(n.children) > 8 {
		n.byKey = make(map[string]*jsonNode, len(n.children))
		for i := range n.children {
			n.byKey[n.children[i].key] = &n.children[i]
		}
	}
	for i := range n.children {
		id = n.children[i].number(id)
	}
	return id
}

func (n *jsonNode) child(key []byte) *jsonNode {
	if n.byKey != nil {
		return n.byKey[string(key)]
	}
	for i := range n.children {
		if c := &n.children[i]; len(c.key) == len(key) && c.key == string(key) {
			return c
		}
	}
	return nil
}

// find gives the node of a key. A key with dots stands for as many levels,
// as in "source.ip".
func (n *jsonNode) find(key []byte) *jsonNode {
	if c := n.child(key); c != nil || !n.deep {
		return c
	}
	for n != nil {
		i := bytes.IndexByte(key, '.')
		if i < 0 {
			return n.child(key)
		}
		n, key = n.child(key[:i]), key[i+1:]
	}
	return nil
}

// jsonValue is where a value stands; the zero value is none.
type jsonValue struct{ from, to uint32 }

// jsonFound is a value that was looked for.
type jsonFound struct {
	number uint16 // of its path
	at     jsonValue
}

// jsonScan reads one object.
type jsonScan struct {
	line []byte
	root *jsonNode
	// means are what the values mean in the format that the object is expected
	// to be of; they are put into out then, and not kept in found. It is nil
	// where nothing is expected.
	means  []field
	out    *values
	found  []jsonFound  // in their order
	have   nameSet      // the numbers that are among them
	own    jsonValue    // value of the top level's key "portannot"
	whole  span         // that key and value, with one comma, so that cutting it leaves an object
	owns   int          // how many such keys there are
	end    int          // the top level's closing brace
	fault  string       // why the object is none
	escape bool         // some string has a backslash
	habits []*jsonHabit // by the nodes' numbers; they stay from one object to the next
}

const ownKey = "portannot"

// object reads the object that begins at i, and gives the place behind it, -1
// when it is none.
func (s *jsonScan) scan(line []byte, root *jsonNode, i int) int {
	if s.root != root {
		s.root, s.habits = root, nil
	}
	s.line, s.found, s.have = line, s.found[:0], nameSet{}
	s.own, s.whole, s.owns, s.fault, s.escape = jsonValue{}, span{}, 0, "", false
	i = s.object(i, root)
	s.end = i - 1
	return i
}

func (s *jsonScan) fail(why string) int {
	s.fault = why
	return -1
}

const (
	jsonCut   = "JSON ends in the middle"
	jsonWrong = "JSON is malformed"
	jsonDeep  = "JSON is nested too deep"
)

// space steps over white space.
func (s *jsonScan) space(i int) int {
	for i < len(s.line) && s.line[i] <= ' ' && (s.line[i] == ' ' || s.line[i] == '\t' || s.line[i] == '\n' || s.line[i] == '\r') {
		i++
	}
	return i
}

// object reads an object some of whose members are looked for. It calls itself
// no deeper than the tree is.
func (s *jsonScan) object(i int, n *jsonNode) int {
	line, means := s.line, s.means
	i = s.space(i + 1)
	if i < len(line) && line[i] == '}' {
		return i + 1
	}
	comma := -1 // the one before the member, if any
	habit := s.habit(n)
	known := &habit.begin // the key before, if it is remembered
	for {
		from := i
		var what *jsonWhat
		before := known
		// The first guess is nearly always right, and a call would take as long
		// as it does.
		if before != nil && before.next[0] != nil && before.next[0].stands(line, i) {
			known = before.next[0]
		} else {
			known = before.second(line, i)
		}
		if known != nil {
			i += len(known.text)
			what = &known.what
		} else {
			if i = s.memberKey(i); i < 0 {
				return i
			}
			if known = habit.known[string(line[from:i])]; known == nil {
				what = s.lookFor(line[from:i], n)
				known = habit.learn(before, line[from:i], what)
			} else if what = &known.what; before != nil {
				before.next = [2]*jsonKey{known, before.next[0]}
			}
		}
		if i >= len(line) {
			return s.fail(jsonCut)
		}
		if line[i] <= ' ' {
			if i = s.space(i); i >= len(line) {
				return s.fail(jsonCut)
			}
		}
		value := i
		switch c := line[i]; {
		case c-'0' <= 9:
			i = number(line, i)
		case c == '"':
			i = s.text(i)
		case c == '{' && what.inner != nil:
			i = s.object(i, what.inner)
		case c == '[' && what.list:
			i = s.attributes(i)
		case c == '[' && what.inner != nil:
			i = s.only(i, what.inner)
		default:
			i = s.skip(i)
		}
		if i < 0 {
			return i
		}
		if what.field >= 0 {
			s.have.add(uint16(what.field))
			if means == nil {
				s.found = append(s.found, jsonFound{uint16(what.field), jsonValue{uint32(value), uint32(i)}})
			} else if f := means[what.field]; f != noField {
				b := line[value:i]
				switch c := b[0]; {
				case c == '"' && len(b) > 2 && !s.escape:
					b = b[1 : len(b)-1]
				case c-'0' > 9:
					b = s.value(b)
				}
				if b != nil {
					s.out.put(f, b)
				}
			}
		}
		to := i
		if i < len(line) && line[i] <= ' ' {
			i = s.space(i)
		}
		if i >= len(line) {
			return s.fail(jsonCut)
		}
		if what.own {
			s.ours(value, to, i, from, comma)
		}
		switch line[i] {
		case ',':
			comma = i
			if i++; i < len(line) && line[i] <= ' ' {
				i = s.space(i)
			}
		case '}':
			return i + 1
		default:
			return s.fail(jsonWrong)
		}
	}
}

// only reads an array that begins at i: if it has one element, and that is an object,
// as that object. It gives the place behind the array.
func (s *jsonScan) only(i int, n *jsonNode) int {
	end := s.skip(i)
	if end < 0 {
		return end
	}
	if i = s.space(i + 1); s.line[i] == '{' {
		if to := s.skip(i); to >= 0 && s.line[s.space(to)] == ']' {
			s.object(i, n)
		}
	}
	return end
}

// attributes reads an array that begins at i, whose elements are
// {"key":NAME,"value":{TYPE:VALUE}}: OpenTelemetry's way to write the members of
// an object. It gives the place behind the array.
func (s *jsonScan) attributes(i int) int {
	end := s.skip(i)
	for i = s.space(i + 1); i < end && s.line[i] == '{'; {
		var name, value span
		for at := s.space(i + 1); s.line[at] == '"'; {
			key := at
			at = s.space(s.key(at))
			from := at
			at = s.skip(at)
			switch string(s.line[key:min(key+7, len(s.line))]) {
			case `"key":"`:
				name = span{from + 1, at - 1}
			case `"value"`:
				value = span{from, at}
			default:
				if s.line[from] == '"' && bytes.HasPrefix(s.line[key:], []byte(`"key"`)) {
					name = span{from + 1, at - 1}
				}
			}
			if at = s.space(at); s.line[at] == ',' {
				at = s.space(at + 1)
			}
			i = at
		}
		s.attribute(name, value)
		if i = s.space(i + 1); i < end && s.line[i] == ',' {
			i = s.space(i + 1)
		}
	}
	return end
}

// attribute keeps an attribute, if it is looked for.
func (s *jsonScan) attribute(name, value span) {
	if name.len() == 0 || value.len() == 0 || s.line[value.from] != '{' {
		return
	}
	at := s.space(value.from + 1)
	if s.line[at] != '"' {
		return // {}
	}
	at = s.space(s.key(at))
	to := s.skip(at)
	c := s.root.find(s.line[name.from:name.to])
	if c == nil || c.field < 0 {
		return
	}
	s.have.add(uint16(c.field))
	if s.means == nil {
		s.found = append(s.found, jsonFound{uint16(c.field), jsonValue{uint32(at), uint32(to)}})
	} else if f := s.means[c.field]; f != noField {
		if b := s.value(s.line[at:to]); b != nil {
			s.out.put(f, b)
		}
	}
}

// ours keeps where a member ownKey stands: its value, from value to to, behind
// which comes what stands at next, its key at from, and the comma before it, -1
// if there is none.
func (s *jsonScan) ours(value, to, next, from, comma int) {
	s.owns++
	s.own = jsonValue{uint32(value), uint32(to)}
	switch {
	case comma >= 0:
		s.whole = span{comma, to}
	case s.line[next] == ',':
		s.whole = span{from, next + 1}
	default:
		s.whole = span{from, to}
	}
}

// memberKey steps over the key that should begin at i, and its colon.
func (s *jsonScan) memberKey(i int) int {
	line := s.line
	if i >= len(line) {
		return s.fail(jsonCut)
	}
	if line[i] != '"' {
		return s.fail(jsonWrong)
	}
	if i = s.text(i); i < 0 {
		return i
	}
	i = s.space(i)
	if i >= len(line) {
		return s.fail(jsonCut)
	}
	if line[i] != ':' {
		return s.fail(jsonWrong)
	}
	return i + 1
}

// lookFor gives what is looked for under a key, which is given from its quote to
// its colon.
func (s *jsonScan) lookFor(text []byte, n *jsonNode) *jsonWhat {
	key := text[1:bytes.LastIndexByte(text, '"')]
	var plain [64]byte
	if bytes.IndexByte(key, '\\') >= 0 {
		key = unescape(plain[:0], key)
	}
	what := &jsonWhat{field: -1, own: n == s.root && string(key) == ownKey, list: n == s.root && string(key) == "attributes"}
	if c := n.find(key); c != nil {
		what.field = c.field
		if len(c.children) > 0 {
			what.inner = c
		}
	}
	return what
}

// text steps over a string, whose opening quote stands at i.
func (s *jsonScan) text(i int) int {
	line := s.line
	i++
	for {
		// Eight bytes at a time: a zero byte in x^c marks one that is c.
		for i+8 <= len(line) {
			x := binary.LittleEndian.Uint64(line[i:])
			q, b := x^(ones*'"'), x^(ones*'\\')
			if hit := ((q - ones) &^ q & tops) | ((b - ones) &^ b & tops); hit != 0 {
				i += bits.TrailingZeros64(hit) / 8
				break
			}
			i += 8
		}
		if i >= len(line) {
			return s.fail(jsonCut)
		}
		switch line[i] {
		case '"':
			return i + 1
		case '\\':
			s.escape = true
			i += 2
		default:
			i++
		}
	}
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// maxDepth bounds how deep values may nest.
const maxDepth = 1024

// skip steps over a value of any kind.
func (s *jsonScan) skip(i int) int {
	line := s.line
	if i >= len(line) {
		return s.fail(jsonCut)
	}
	switch line[i] {
	case '"':
		return s.text(i)
	case '{', '[':
		return s.container(i)
	}
	return s.scalar(i)
}

// scalar steps over a number or a literal.
func (s *jsonScan) scalar(i int) int {
	line := s.line
	switch c := line[i]; {
	case c-'0' <= 9 || c == '-':
		return number(line, i+1)
	case c == 't' && hasWord(line[i:], "true"), c == 'n' && hasWord(line[i:], "null"):
		return i + 4
	case c == 'f' && hasWord(line[i:], "false"):
		return i + 5
	}
	return s.fail(jsonWrong)
}

func hasWord(line []byte, word string) bool {
	return len(line) >= len(word) && string(line[:len(word)]) == word
}

// number steps over the rest of a number.
func number(line []byte, i int) int {
	for i+8 <= len(line) {
		if other := notDigits(binary.LittleEndian.Uint64(line[i:])); other != 0 {
			i += bits.TrailingZeros64(other) / 8
			break
		}
		i += 8
	}
	for ; i < len(line); i++ {
		switch c := line[i]; {
		case c == ',' || c == '}': // nearly all end so
			return i
		case c-'0' > 9 && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E':
			return i
		}
	}
	return i
}

// container steps over an object or array.
func (s *jsonScan) container(i int) int {
	line := s.line
	var objects [maxDepth / 64]uint64 // a bit for each level: whether it is an object
	depth := 0
	for {
		// A value begins at i.
		if i >= len(line) {
			return s.fail(jsonCut)
		}
		switch c := line[i]; c {
		case '{', '[':
			if depth == maxDepth {
				return s.fail(jsonDeep)
			}
			w, bit := depth/64, uint64(1)<<(depth%64)
			depth++
			i = s.space(i + 1)
			if c == '{' {
				objects[w] |= bit
				if i < len(line) && line[i] == '}' {
					i++
					depth--
					break
				}
				if i = s.key(i); i < 0 {
					return i
				}
				continue
			}
			objects[w] &^= bit
			if i < len(line) && line[i] == ']' {
				i++
				depth--
				break
			}
			continue
		case '"':
			i = s.text(i)
		default:
			i = s.scalar(i)
		}
		if i < 0 {
			return i
		}
		// A value ended before i.
		for {
			if depth == 0 {
				return i
			}
			i = s.space(i)
			if i >= len(line) {
				return s.fail(jsonCut)
			}
			object := objects[(depth-1)/64]>>((depth-1)%64)&1 != 0
			if c := line[i]; c == '}' && object || c == ']' && !object {
				i++
				depth--
				continue
			} else if c != ',' {
				return s.fail(jsonWrong)
			}
			i = s.space(i + 1)
			if object {
				if i = s.key(i); i < 0 {
					return i
				}
			}
			break
		}
	}
}

// key steps over a key and its colon, to the value.
func (s *jsonScan) key(i int) int {
	if i >= len(s.line) {
		return s.fail(jsonCut)
	}
	if s.line[i] != '"' {
		return s.fail(jsonWrong)
	}
	if i = s.text(i); i < 0 {
		return i
	}
	i = s.space(i)
	if i >= len(s.line) {
		return s.fail(jsonCut)
	}
	if s.line[i] != ':' {
		return s.fail(jsonWrong)
	}
	return s.space(i + 1)
}

// unescape gives the text of a JSON string that has escapes. What is longer
// than the room in dst is of no interest, and is cut off.
func unescape(dst, b []byte) []byte {
	for i := 0; i < len(b) && len(dst) < cap(dst); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			i++
			switch c = b[i]; c {
			case 'b':
				c = '\b'
			case 'f':
				c = '\f'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'u':
				n := uint32(0)
				for range 4 {
					if i++; i < len(b) {
						n = n<<4 | hexDigit(b[i])
					}
				}
				c = byte(n)
				if n > 0x7e {
					c = '?' // no key or value that is looked for has such a character
				}
			}
		}
		dst = append(dst, c)
	}
	return dst
}

func hexDigit(c byte) uint32 {
	switch {
	case c-'0' <= 9:
		return uint32(c - '0')
	case c|0x20-'a' <= 5:
		return uint32(c|0x20-'a') + 10
	}
	return 1 << 20 // makes the number too large
}

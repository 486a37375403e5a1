package flowlog

import "encoding/binary"

// A program writes its records with the same keys in the same order, or nearly
// so. Which key came behind which is therefore remembered, and where the next
// one is that key again, letter for letter, it is known at once where it ends
// and what is looked for there. A guess that fails costs a comparison: the key
// is read as any other then, so nothing depends on what is remembered but the
// time.

// jsonHabit is what is remembered of the objects at one node.
type jsonHabit struct {
	begin jsonKey // stands before the first key
	known map[string]*jsonKey
}

// jsonKey is a key that was seen.
type jsonKey struct {
	text       string // from its quote to the colon, without white space between
	head, tail uint64 // the first and the last eight bytes, if there are as many
	what       jsonWhat
	// next are the keys that came behind it last, the most recent first: where
	// a member is optional there are two.
	next [2]*jsonKey
}

// jsonWhat is what is looked for under a key.
type jsonWhat struct {
	field int       // number of the value's path, or -1
	inner *jsonNode // for an object some of whose members are looked for, else nil
	own   bool      // the key is ownKey at the top level
	list  bool      // attributes of OpenTelemetry, if it is an array
}

// Bounds of what is remembered: in bytes of a key with its quotes and colon,
// and in keys of one node, for keys that are data rather than names.
const (
	maxHabitKey = 64
	maxHabits   = 256
)

// stands reports whether the key stands at i.
func (k *jsonKey) stands(line []byte, i int) bool {
	n := len(k.text)
	if n > len(line)-i {
		return false
	}
	b := line[i : i+n]
	if n < 8 {
		return string(b) == k.text
	}
	return binary.LittleEndian.Uint64(b) == k.head && binary.LittleEndian.Uint64(b[n-8:]) == k.tail && (n <= 16 || string(b[8:n-8]) == k.text[8:n-8])
}

// second gives the key that begins at i, if it is the other one that came behind
// before. k may be nil.
func (k *jsonKey) second(line []byte, i int) *jsonKey {
	if k != nil && k.next[1] != nil && k.next[1].stands(line, i) {
		return k.next[1]
	}
	return nil
}

// habit gives what is remembered of a node.
func (s *jsonScan) habit(n *jsonNode) *jsonHabit {
	for n.id >= len(s.habits) {
		s.habits = append(s.habits, &jsonHabit{known: map[string]*jsonKey{}})
	}
	return s.habits[n.id]
}

// learn remembers that a key came behind another, which may be nil. The result
// is nil where the key is not remembered.
func (h *jsonHabit) learn(before *jsonKey, text []byte, what *jsonWhat) *jsonKey {
	if len(text) > maxHabitKey {
		return nil
	}
	k := h.known[string(text)]
	if k == nil {
		if len(h.known) >= maxHabits {
			return nil
		}
		k = &jsonKey{text: string(text), what: *what}
		if n := len(text); n >= 8 {
			k.head, k.tail = binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[n-8:])
		}
		h.known[k.text] = k
	}
	if before != nil {
		before.next = [2]*jsonKey{k, before.next[0]}
	}
	return k
}

// Package portcache keeps text that depends on a port alone, such as its
// registration in JSON, so that it is written once and then copied.
package portcache

import "github.com/portannot/portannot/annotate/iana"

// Cache keeps what Write appends for each port and transport. All entries must
// be of one registry. It is for one goroutine.
//
// Most ports share a text with many others, "unassigned" for one. Each text is
// kept once, so that what clients' ports need, which are all different, stays
// in the cache of a core.
type Cache struct {
	Write func(dst []byte, e iana.Entry) []byte
	// Different says that no two ports have the same text, so that none is
	// looked for.
	Different bool

	ids   [iana.NumTransports]*[1 << 16]uint16 // of texts; 0 is not written yet
	texts []string                             // by id; the first is not used
	known map[string]uint16
	size  int // of all texts, in bytes
}

// Bounds of what is kept. The whole registry takes less for any transport.
const (
	maxTexts    = 1<<16 - 1
	maxTextSize = 32 << 20
)

// Append appends the text for an entry.
func (c *Cache) Append(dst []byte, e *iana.Entry) []byte {
	if int(e.Transport) >= len(c.ids) {
		return c.Write(dst, *e)
	}
	if ids := c.ids[e.Transport]; ids != nil {
		if id := ids[e.Port]; id != 0 {
			return append(dst, c.texts[id]...)
		}
	}
	return c.add(dst, *e)
}

// IDs gives, for each port of a transport, the number of its text: two ports
// have the same number if they have the same text, and 0 if theirs is not kept
// yet. It is nil when that is so for all of them.
func (c *Cache) IDs(t iana.Transport) *[1 << 16]uint16 { return c.ids[t] }

// add writes a text and keeps it, if there is room.
func (c *Cache) add(dst []byte, e iana.Entry) []byte {
	if c.known == nil {
		c.known, c.texts = map[string]uint16{}, []string{""}
	}
	if c.ids[e.Transport] == nil {
		c.ids[e.Transport] = new([1 << 16]uint16)
	}
	from := len(dst)
	dst = c.Write(dst, e)
	var id uint16
	if !c.Different {
		id = c.known[string(dst[from:])]
	}
	if id == 0 {
		if len(c.texts) > maxTexts || c.size > maxTextSize {
			return dst
		}
		text := string(dst[from:])
		id = uint16(len(c.texts))
		c.texts = append(c.texts, text)
		if !c.Different {
			c.known[text] = id
		}
		c.size += len(text)
	}
	c.ids[e.Transport][e.Port] = id
	return dst
}

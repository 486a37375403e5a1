package observe

// ber is a walk over elements in ASN.1's basic encoding (X.690): tag, length,
// content. The walk does not look past what is there.
type ber struct {
	b   []byte
	at  int
	end int // where the element that is walked ends, on the wire
	bad bool
}

// next enters no element: it gives its tag, its content's place, and stands
// behind its header. ok is false at the end of what is there.
func (w *ber) header() (tag byte, size int, ok bool) {
	if w.bad || w.at+2 > len(w.b) || w.at+2 > w.end {
		return 0, 0, false
	}
	tag = w.b[w.at]
	size, width, ok := berLength(w.b[w.at+1:])
	if !ok || w.at+1+width+size > w.end {
		// A length that is there and too large is wrong; one that is cut is not.
		w.bad = ok || width == 0
		return 0, 0, false
	}
	w.at += 1 + width
	return tag, size, true
}

// berLength reads a length of up to four bytes; the indefinite form is
// refused with width 0, and so is a length of more than four bytes.
func berLength(b []byte) (size, width int, ok bool) {
	n := int(b[0])
	if n < 0x80 {
		return n, 1, true
	}
	n &= 0x7f
	if n == 0 || n > 4 {
		return 0, 0, false
	}
	if len(b) < 1+n {
		return 0, 1, false
	}
	for _, c := range b[1 : 1+n] {
		size = size<<8 | int(c)
	}
	if size > 1<<30 {
		return 0, 0, false
	}
	return size, 1 + n, true
}

// expect enters an element of that tag; ok is false where it is another one,
// which is bad, or none is left of what is there.
func (w *ber) expect(tag byte) (size int, ok bool) {
	t, size, ok := w.header()
	if ok && t != tag {
		w.bad = true
		return 0, false
	}
	return size, ok
}

// integer reads an INTEGER or ENUMERATED of up to five bytes.
func (w *ber) integer(tag byte) (v int, ok bool) {
	size, ok := w.expect(tag)
	if !ok {
		return 0, false
	}
	if size == 0 || size > 5 {
		w.bad = true
		return 0, false
	}
	if w.at+size > len(w.b) {
		return 0, false
	}
	v = int(int8(w.b[w.at]))
	for _, c := range w.b[w.at+1 : w.at+size] {
		v = v<<8 | int(c)
	}
	w.at += size
	return v, true
}

// skip passes over an element of that tag.
func (w *ber) skip(tag byte) bool {
	size, ok := w.expect(tag)
	if ok {
		w.at += size
	}
	return ok
}

const (
	berBoolean     = 0x01
	berInteger     = 0x02
	berOctetString = 0x04
	berOID         = 0x06
	berEnumerated  = 0x0a
	berSequence    = 0x30
	berSet         = 0x31
)

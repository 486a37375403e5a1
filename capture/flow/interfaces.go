package flow

// interfaces numbers the names of interfaces, from 1: most captures have one, and
// all flows of a table share them.
type interfaces struct {
	names   []string // that of number n at n-1
	numbers map[string]uint16
	last    uint16 // the number given out last
}

// maxInterfaces bounds the names. Flows of interfaces beyond have none.
const maxInterfaces = 1<<16 - 1

// interfaceBits are the bits of entry.dir0 that hold the number of the interface
// where it is small enough.
const interfaceBits = 7

// number gives the number of a name, 0 if there is no room for it.
func (in *interfaces) number(name string) uint16 {
	if in.last != 0 && in.names[in.last-1] == name {
		return in.last
	}
	n, ok := in.numbers[name]
	if !ok {
		if len(in.names) == maxInterfaces {
			return 0
		}
		if in.numbers == nil {
			in.numbers = make(map[string]uint16)
		}
		in.names = append(in.names, name)
		n = uint16(len(in.names))
		in.numbers[name] = n
	}
	in.last = n
	return n
}

// at gives the name of a number, "" for 0.
func (in *interfaces) at(n uint16) string {
	if n == 0 {
		return ""
	}
	return in.names[n-1]
}

// noteInterface notes the number of a new entry's interface.
func noteInterface[K comparable](t *Table, tb *table[K], i uint32, n uint16) {
	if n < 1<<interfaceBits {
		tb.at(i).dir0 |= uint8(n << 1)
	} else {
		t.extraOf(&tb.restOf(i).extra).iface = n
	}
}

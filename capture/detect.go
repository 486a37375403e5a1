package capture

import (
	"bytes"
	"fmt"
)

// sniffLen is how many bytes it takes to tell the formats apart.
const sniffLen = 64

// detected is what the first bytes of a file say that it is.
type detected struct {
	name string
	new  func() parser // nil: recognised, or not even that, but not readable
}

// detect looks at the first bytes of an uncompressed stream.
func detect(b []byte) detected {
	if _, _, ok := pcapMagic(b); ok {
		return detected{"pcap", func() parser { return new(pcapParser) }}
	}
	if ngMagic(b) {
		return detected{"pcapng", func() parser { return new(ngParser) }}
	}
	switch {
	case bytes.HasPrefix(b, []byte(snoopMagic)):
		return detected{"snoop", func() parser { return new(snoopParser) }}
	case bytes.HasPrefix(b, []byte(netmonMagic)):
		return detected{"Network Monitor 2", func() parser { return new(netmonParser) }}
	case bytes.HasPrefix(b, []byte(snifferMagic)):
		return detected{"Sniffer", func() parser { return new(snifferParser) }}
	}
	for _, m := range foreign {
		if len(b) >= m.at+len(m.magic) && bytes.Equal(b[m.at:m.at+len(m.magic)], []byte(m.magic)) {
			return detected{name: m.name}
		}
	}
	return detected{}
}

// quickly says whether the first bytes are those of pcap or pcapng.
func quickly(b []byte) bool {
	_, _, ok := pcapMagic(b)
	return ok || ngMagic(b)
}

// foreign lists formats that people hand to a capture reader and that this one
// does not read, so that the error can name them.
var foreign = []struct {
	at    int
	magic string
	name  string
}{
	{0, "RTSS", "a Microsoft Network Monitor 1 capture"},
	{0, "btsnoop\x00", "a Bluetooth HCI log (btsnoop)"},
	{0, "TRSNIFF data    \x1a", "a Sniffer (DOS) capture"},
	{0, "iptrace 1.0", "an AIX iptrace capture"},
	{0, "iptrace 2.0", "an AIX iptrace capture"},
	{0, "\x00\x00\x02\x00\x12\x05\x00\x10", "a Tektronix K12 capture"},
	{0, "\x54\x52\x00\x64\x00", "an HP-UX nettl trace"},
	{0, "\x05VNF", "a Visual Networks capture"},
	{0, "\x7fver", "an AiroPeek or OmniPeek capture"},
	{0, "ObserverPktBuffe", "an Observer capture"},
	{0, "EyeSDN", "an EyeSDN trace"},
	{0, "LOGG", "a Vector BLF log"},
	{0, "PK\x03\x04", "a ZIP archive (unpack it first)"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive (unpack it first)"},
	{0, "\x1f\x9d", "a file compressed with compress (.Z)"},
	{257, "ustar", "a tar archive (unpack it first)"},
}

// refuse is the error for a stream that cannot be read.
func (d detected) refuse(name string, b []byte) error {
	switch {
	case len(b) == 0:
		return fmt.Errorf("%s: %w (it is empty)", name, ErrNotCapture)
	case d.name != "":
		return fmt.Errorf("%s: %w that can be read here: it is %s", name, ErrNotCapture, d.name)
	}
	return fmt.Errorf("%s: %w (begins with %q)", name, ErrNotCapture, b[:min(len(b), 16)])
}

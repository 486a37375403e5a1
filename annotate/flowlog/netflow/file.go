package netflow

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// bufSize holds the longest message, 65535 bytes, and what is looked at
// behind it.
const bufSize = 256 << 10

// Detect returns the format of a file that begins with sample: "netflow", "ipfix",
// or "" if it is neither. It needs 20 bytes.
func Detect(sample []byte) string {
	if len(sample) < ipfixHeader+setHeader || !plausible(sample) {
		return ""
	}
	if Version(binary.BigEndian.Uint16(sample)) == IPFIX {
		return "ipfix"
	}
	return "netflow"
}

// plausible reports whether a message may begin with b, of which at least the
// first 20 bytes are needed.
func plausible(b []byte) bool {
	if len(b) < ipfixHeader+setHeader {
		return false
	}
	count := binary.BigEndian.Uint16(b[2:])
	switch Version(binary.BigEndian.Uint16(b)) {
	case V5:
		// 30 records at most by Cisco's account; exporters on links of large
		// frames have been seen to send more. The nanoseconds tell most.
		return count >= 1 && count <= 1500 && binary.BigEndian.Uint32(b[12:]) < 1e9
	case V9:
		if len(b) < v9Header+setHeader {
			return count >= 1
		}
		id, n := binary.BigEndian.Uint16(b[v9Header:]), binary.BigEndian.Uint16(b[v9Header+2:])
		return count >= 1 && n >= setHeader && (id < 2 || id >= 256)
	case IPFIX:
		id, n := binary.BigEndian.Uint16(b[ipfixHeader:]), binary.BigEndian.Uint16(b[ipfixHeader+2:])
		return count == ipfixHeader || count >= ipfixHeader+setHeader && n >= setHeader && n <= count-ipfixHeader && (id == 2 || id == 3 || id >= 256)
	}
	return false
}

// messages reads the messages of a file, one after another: the IPFIX file
// format (RFC 5655) is nothing but that, and so is what one gets by writing
// datagrams to a file.
//
// Version 9 messages do not say how long they are. They end where a version
// number stands in the place of a set's number: 5, 9 and 10 are numbers that no
// set has (RFC 3954 section 5.2).
type messages struct {
	r      *bufio.Reader
	offset int64
}

// errSkip says that no message begins here.
var errSkip = errors.New("no message begins here")

// next gives the next message, valid until the call after, and where it begins.
// errSkip comes with the bytes that were passed over to find one.
func (m *messages) next() (b []byte, offset int64, err error) {
	offset = m.offset
	head, err := m.r.Peek(v9Header + setHeader)
	if len(head) == 0 {
		return nil, offset, err
	}
	if err != nil && err != io.EOF {
		return nil, offset, err
	}
	n := len(head)
	switch {
	case len(head) < ipfixHeader+setHeader: // the end of the file: a header at most
	case !plausible(head):
		n, err = m.skip()
		if err != nil && err != io.EOF {
			return nil, offset, err
		}
		m.offset += int64(n)
		return nil, offset, errSkip
	default:
		count := int(binary.BigEndian.Uint16(head[2:]))
		switch Version(binary.BigEndian.Uint16(head)) {
		case V5:
			n = v5Header + count*v5Record
		case IPFIX:
			n = count
		case V9:
			if n, err = m.v9(); err != nil {
				return nil, offset, err
			}
		}
	}
	b, err = m.r.Peek(n) // shorter at the end of the file
	if err != nil && err != io.EOF {
		return nil, offset, err
	}
	m.r.Discard(len(b))
	m.offset += int64(len(b))
	return b, offset, nil
}

// v9 gives the bytes of the version 9 message that begins here. No message is
// longer than a datagram can be.
func (m *messages) v9() (int, error) {
	const longest = 65535
	n := v9Header
	for n < longest {
		b, err := m.r.Peek(n + setHeader)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if len(b) < n+setHeader {
			return min(n, len(b)), nil
		}
		id, length := binary.BigEndian.Uint16(b[n:]), int(binary.BigEndian.Uint16(b[n+2:]))
		if id >= 2 && id < 256 || length < setHeader {
			break
		}
		n += length
	}
	return n, nil
}

// skip passes over bytes up to where a message may begin, and gives their
// number. It looks no further than the buffer reaches.
func (m *messages) skip() (int, error) {
	m.r.Discard(1)
	for n := 1; ; n++ {
		b, err := m.r.Peek(v9Header + setHeader)
		if len(b) < ipfixHeader+setHeader {
			m.r.Discard(len(b))
			return n + len(b), err
		}
		if plausible(b) {
			return n, nil
		}
		m.r.Discard(1)
	}
}

// magics are what files begin with that are taken for NetFlow by their names.
var magics = []struct{ magic, what string }{
	{"\xa5\x0c", "a file of nfcapd: print it with nfdump -o json, and enrich that"},
	{"\x0c\xa5", "a file of nfcapd: print it with nfdump -o json, and enrich that"},
	{"\xd4\xc3\xb2\xa1", "a capture: portannot -r reads it"},
	{"\xa1\xb2\xc3\xd4", "a capture: portannot -r reads it"},
	{"\x4d\x3c\xb2\xa1", "a capture: portannot -r reads it"},
	{"\xa1\xb2\x3c\x4d", "a capture: portannot -r reads it"},
	{"\x0a\x0d\x0d\x0a", "a capture: portannot -r reads it"},
}

// File decodes all messages of a file, which must not be compressed; name is for
// faults. It returns an error of reading or the error of ctx. Data that cannot be
// decoded is counted in Stats; with strict, File returns the first such fault, a
// *Fault.
func (d *Decoder) File(ctx context.Context, r io.Reader, name string, session uint64, strict bool) error {
	before := d.stats.FaultCount
	err := d.file(ctx, r, name, session, strict)
	d.End(Source{Session: session})
	if strict && err == nil && d.stats.FaultCount > before {
		err = d.last
	}
	return err
}

func (d *Decoder) file(ctx context.Context, r io.Reader, name string, session uint64, strict bool) error {
	m := &messages{r: bufio.NewReaderSize(r, bufSize)}
	from := Source{Name: name, Session: session}
	if b, _ := m.r.Peek(4); len(b) == 4 {
		for _, k := range magics {
			if string(b[:len(k.magic)]) == k.magic {
				return fmt.Errorf("read %s: this is %s", name, k.what)
			}
		}
	}
	for ctx.Err() == nil {
		b, offset, err := m.next()
		from.Offset = offset
		ok := true
		switch {
		case err == io.EOF:
			return nil
		case err == errSkip:
			n := m.offset - offset
			d.stats.Skipped += uint64(n)
			d.source = from
			d.badMessage(fmt.Sprintf("no message here; %d bytes skipped", n))
			ok = false
		case err != nil:
			return fmt.Errorf("read %s: %w", name, err)
		default:
			ok = d.Message(b, from)
		}
		if strict && !ok {
			return d.last
		}
	}
	return context.Cause(ctx)
}

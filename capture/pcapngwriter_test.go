package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// writtenBlock is a pcapng block as a slow reader of only what Writer makes
// sees it. It is the oracle of these tests and shares nothing with Reader.
type writtenBlock struct {
	kind    uint32
	fixed   []byte // the body up to data and options
	data    []byte // of an enhanced packet
	options map[uint16]string
}

func readWritten(t *testing.T, file []byte) []writtenBlock {
	t.Helper()
	le := binary.LittleEndian
	var blocks []writtenBlock
	for len(file) > 0 {
		total := int(le.Uint32(file[4:]))
		if total%4 != 0 || total < 12 || total > len(file) {
			t.Fatalf("block %d: length %d with %d bytes left", len(blocks), total, len(file))
		}
		if end := int(le.Uint32(file[total-4:])); end != total {
			t.Fatalf("block %d: length %d at the front, %d at the end", len(blocks), total, end)
		}
		b := writtenBlock{kind: le.Uint32(file), options: map[uint16]string{}}
		body := file[8 : total-4]
		fixed := map[uint32]int{0x0a0d0d0a: 16, 1: 8, 6: 20}[b.kind]
		if fixed == 0 {
			t.Fatalf("block %d: type %#x", len(blocks), b.kind)
		}
		b.fixed, body = body[:fixed], body[fixed:]
		if b.kind == 6 {
			n := int(le.Uint32(b.fixed[12:]))
			b.data, body = body[:n], body[n:]
			for ; n%4 != 0; n++ {
				if body[0] != 0 {
					t.Fatalf("block %d: padding is not zero", len(blocks))
				}
				body = body[1:]
			}
		}
		ended := len(body) == 0
		for len(body) > 0 {
			code, n := le.Uint16(body), int(le.Uint16(body[2:]))
			body = body[4:]
			if code == 0 {
				ended = true
				break
			}
			if _, twice := b.options[code]; twice {
				t.Fatalf("block %d: option %d twice", len(blocks), code)
			}
			b.options[code] = string(body[:n])
			body = body[(n+3)&^3:]
		}
		if !ended || len(body) != 0 {
			t.Fatalf("block %d: options do not end where the block does", len(blocks))
		}
		blocks = append(blocks, b)
		file = file[total:]
	}
	return blocks
}

func write(t *testing.T, opt WriterOptions, use func(w *Writer) error) []byte {
	t.Helper()
	var file bytes.Buffer
	w := NewWriter(&file, opt)
	if err := use(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestWriterEmptyCaptureHasSection(t *testing.T) {
	file := write(t, WriterOptions{Application: "portannot 1.2", OS: "linux", Hardware: "x"}, func(*Writer) error { return nil })
	blocks := readWritten(t, file)
	if len(blocks) != 1 || blocks[0].kind != 0x0a0d0d0a {
		t.Fatalf("blocks: %v", blocks)
	}
	for code, want := range map[uint16]string{2: "x", 3: "linux", 4: "portannot 1.2"} {
		if got := blocks[0].options[code]; got != want {
			t.Errorf("option %d: %q, want %q", code, got, want)
		}
	}
	if got := write(t, WriterOptions{}, func(*Writer) error { return nil }); len(got) != 28 {
		t.Errorf("without options: %d bytes, want 28", len(got))
	}
}

func TestWriterSameInterfaceIsWrittenOnce(t *testing.T) {
	file := write(t, WriterOptions{}, func(w *Writer) error {
		return errors.Join(
			w.AddInterface(LinkEthernet, 2, "eth0", 65535),
			w.AddInterface(LinkEthernet, 2, "eth0", 65535),
			w.AddInterface(LinkEthernet, 9, "eth0", 65535), // another file, the same interface
			w.AddInterface(LinkRaw, 2, "eth0", 0),
			w.WritePacket(&Packet{Link: LinkEthernet, Interface: 9, Data: []byte{1}}, ""),
			w.WritePacket(&Packet{Link: LinkRaw, Interface: 2, Data: []byte{2}}, ""),
			w.WritePacket(&Packet{Link: LinkEthernet, Interface: 2, Data: []byte{3}}, ""),
			w.WritePacket(&Packet{Link: LinkNull, Data: []byte{4}}, ""),               // was not added
			w.WritePacket(&Packet{Link: LinkNull, Interface: 7, Data: []byte{5}}, ""), // nor that: no name either
		)
	})
	var interfaces []string
	var packets [][2]byte
	for _, b := range readWritten(t, file)[1:] {
		switch b.kind {
		case 1:
			if b.options[9] != "\x09" {
				t.Errorf("if_tsresol %q", b.options[9])
			}
			link := LinkType(binary.LittleEndian.Uint16(b.fixed))
			interfaces = append(interfaces, link.String()+" "+b.options[2])
		case 6:
			packets = append(packets, [2]byte{b.fixed[0], b.data[0]})
		}
	}
	if got, want := strings.Join(interfaces, ","), "ETHERNET eth0,RAW eth0,NULL "; got != want {
		t.Errorf("interfaces %s, want %s", got, want)
	}
	want := [][2]byte{{0, 1}, {1, 2}, {0, 3}, {2, 4}, {2, 5}}
	if len(packets) != len(want) {
		t.Fatalf("packets %v, want %v", packets, want)
	}
	for i := range want {
		if packets[i] != want[i] {
			t.Errorf("packet %d: interface and byte %v, want %v", i, packets[i], want[i])
		}
	}
}

// The zero origin (link type NULL, interface 0) must not pass for the origin
// of the last packet when there was none.
func TestWriterFirstPacketOfLinkNull(t *testing.T) {
	file := write(t, WriterOptions{}, func(w *Writer) error {
		return errors.Join(w.AddInterface(LinkEthernet, 1, "eth0", 0), w.WritePacket(&Packet{Data: []byte{1}}, ""))
	})
	blocks := readWritten(t, file)
	if got := blocks[len(blocks)-1].fixed[0]; got != 1 {
		t.Errorf("packet of interface %d, want 1", got)
	}
}

func TestWriterPaddingCommentsAndTimes(t *testing.T) {
	const when uint64 = 1700000000_123456789
	for n := range 9 {
		for c := range 9 {
			data, comment := bytes.Repeat([]byte{0xff}, n), strings.Repeat("é", c)
			p := Packet{Time: int64(when), Link: LinkRaw, Length: 1500, Data: data}
			file := write(t, WriterOptions{}, func(w *Writer) error { return w.WritePacket(&p, comment) })
			b := readWritten(t, file)[2]
			if !bytes.Equal(b.data, data) || b.options[1] != comment {
				t.Errorf("%d bytes, comment of %d: got % x, %q", n, c, b.data, b.options[1])
			}
			time := uint64(binary.LittleEndian.Uint32(b.fixed[4:]))<<32 | uint64(binary.LittleEndian.Uint32(b.fixed[8:]))
			if time != when {
				t.Errorf("time %d, want %d", time, when)
			}
			if got := binary.LittleEndian.Uint32(b.fixed[16:]); got != 1500 {
				t.Errorf("original length %d, want 1500", got)
			}
		}
	}
}

func TestWriterCutsLongCommentBetweenCharacters(t *testing.T) {
	comment := "x" + strings.Repeat("é", 40000) // an é crosses the limit of 65535 bytes
	file := write(t, WriterOptions{}, func(w *Writer) error { return w.WritePacket(&Packet{Data: []byte{1}}, comment) })
	got := readWritten(t, file)[2].options[1]
	if len(got) != 65535 || !strings.HasPrefix(comment, got) {
		t.Errorf("comment of %d bytes", len(got))
	}
	comment = strings.Repeat("é", 40000)
	file = write(t, WriterOptions{}, func(w *Writer) error { return w.WritePacket(&Packet{Data: []byte{1}}, comment) })
	if got := readWritten(t, file)[2].options[1]; len(got) != 65534 || !strings.HasPrefix(comment, got) {
		t.Errorf("comment of %d bytes, want 65534", len(got))
	}
}

func TestWriterPutsVLANTagBack(t *testing.T) {
	ethernet := []byte("\x01\x02\x03\x04\x05\x06\x11\x12\x13\x14\x15\x16\x08\x00payload")
	sll2 := []byte("\x08\x00\x00\x00\x00\x00\x00\x07\xff\xfe\x00\x06123456\x00\x00payload")
	for _, test := range []struct {
		name   string
		packet Packet
		want   string
		length uint32
	}{
		{"Ethernet", Packet{Link: LinkEthernet, VLAN: 0x8100_2064, Length: 25, Data: ethernet},
			"\x01\x02\x03\x04\x05\x06\x11\x12\x13\x14\x15\x16\x81\x00\x20\x64\x08\x00payload", 25},
		{"priority tag of VLAN 0", Packet{Link: LinkEthernet, VLAN: 0x88a8_0000, Length: 25, Data: ethernet},
			"\x01\x02\x03\x04\x05\x06\x11\x12\x13\x14\x15\x16\x88\xa8\x00\x00\x08\x00payload", 25},
		{"length without the tag", Packet{Link: LinkEthernet, VLAN: 0x8100_2064, Length: 21, Data: ethernet},
			"\x01\x02\x03\x04\x05\x06\x11\x12\x13\x14\x15\x16\x81\x00\x20\x64\x08\x00payload", 25},
		{"LINUX_SLL2", Packet{Link: LinkLinuxSLL2, VLAN: 0x8100_2064, Length: 31, Data: sll2},
			"\x81\x00\x00\x00\x00\x00\x00\x07\xff\xfe\x00\x06123456\x00\x00\x20\x64\x08\x00payload", 31},
		{"cut before the tag", Packet{Link: LinkEthernet, VLAN: 0x8100_2064, Length: 64, Data: ethernet[:11]},
			string(ethernet[:11]), 64},
		{"no place for it", Packet{Link: LinkRaw, VLAN: 0x8100_2064, Length: 21, Data: ethernet}, string(ethernet), 21},
	} {
		file := write(t, WriterOptions{}, func(w *Writer) error { return w.WritePacket(&test.packet, "") })
		b := readWritten(t, file)[2]
		if string(b.data) != test.want {
			t.Errorf("%s: % x, want % x", test.name, b.data, test.want)
		}
		if got := binary.LittleEndian.Uint32(b.fixed[16:]); got != test.length {
			t.Errorf("%s: original length %d, want %d", test.name, got, test.length)
		}
	}
}

func TestWriterNoTimeAndTimeBefore1970(t *testing.T) {
	for _, time := range []int64{0, -1} {
		file := write(t, WriterOptions{}, func(w *Writer) error { return w.WritePacket(&Packet{Time: time}, "") })
		if b := readWritten(t, file)[2]; !bytes.Equal(b.fixed[4:12], make([]byte, 8)) {
			t.Errorf("time %d is written as % x", time, b.fixed[4:12])
		}
	}
}

type fullDisk struct{ room int }

var errDiskFull = errors.New("no space left on device")

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.room -= len(b); d.room < 0 {
		return 0, errDiskFull
	}
	return len(b), nil
}

func TestWriterReportsWriteError(t *testing.T) {
	w := NewWriter(&fullDisk{1 << 20}, WriterOptions{})
	p := Packet{Link: LinkRaw, Data: make([]byte, 9000)}
	var err error
	for range 1000 {
		if err = w.WritePacket(&p, ""); err != nil {
			break
		}
	}
	if !errors.Is(err, errDiskFull) {
		t.Errorf("after the disk is full: %v", err)
	}
	if err := w.Flush(); !errors.Is(err, errDiskFull) {
		t.Errorf("flush: %v", err)
	}
}

func TestWriterDoesNotAllocatePerPacket(t *testing.T) {
	w := NewWriter(io.Discard, WriterOptions{})
	p := Packet{Link: LinkEthernet, Length: 100, VLAN: 0x8100_0001, Data: make([]byte, 100)}
	if n := testing.AllocsPerRun(1000, func() { w.WritePacket(&p, "ssh 22/tcp") }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// randomPackets are packets of several interfaces, reproducible by seed.
func randomPackets(seed uint64, n int) ([]Packet, []string) {
	r := rand.New(rand.NewPCG(seed, 0))
	packets, comments := make([]Packet, n), make([]string, n)
	for i := range packets {
		data := make([]byte, r.IntN(1600))
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		links := [...]LinkType{LinkEthernet, LinkRaw, LinkLinuxSLL2}
		packets[i] = Packet{
			Time:   1700000000_000000000 + int64(r.Uint64N(1e18)),
			Number: uint64(i + 1),
			Link:   links[r.IntN(len(links))],
			Length: uint32(len(data) + r.IntN(2)*100),
			Data:   data,
		}
		if r.IntN(2) == 0 {
			comments[i] = strings.Repeat("ssh ", r.IntN(10))
		}
	}
	return packets, comments
}

func TestWriterRoundTripThroughReader(t *testing.T) {
	packets, comments := randomPackets(1, 500)
	file := write(t, WriterOptions{Application: "portannot test"}, func(w *Writer) error {
		for i := range packets {
			if err := w.WritePacket(&packets[i], comments[i]); err != nil {
				return err
			}
		}
		return nil
	})
	r, err := NewReader(bytes.NewReader(file), "-", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := 0
	for dst := make([]Packet, 7); ; {
		n, err := r.Next(dst)
		for _, got := range dst[:n] {
			want := packets[read]
			if got.Time != want.Time || got.Link != want.Link || got.Length != want.Length || !bytes.Equal(got.Data, want.Data) {
				t.Fatalf("packet %d: got %+v, want %+v", read+1, got, want)
			}
			read++
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if read != len(packets) {
		t.Errorf("read %d packets of %d", read, len(packets))
	}
	if _, n := r.Problems(); n != 0 {
		t.Errorf("%d problems", n)
	}
}

func TestWriterFileIsReadByTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed")
	}
	// libpcap reads only files of one link type.
	packet := []byte("\x01\x02\x03\x04\x05\x06\x11\x12\x13\x14\x15\x16\x08\x00" +
		"\x45\x00\x00\x1c\x00\x01\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x35\x00\x08\x00\x00")
	file := write(t, WriterOptions{Application: "portannot test"}, func(w *Writer) error {
		return errors.Join(
			w.AddInterface(LinkEthernet, 1, "eth0", 65535),
			w.WritePacket(&Packet{Time: 1700000000_123456789, Link: LinkEthernet, Interface: 1, Length: 42, Data: packet}, "domain 53/udp"),
			w.WritePacket(&Packet{Time: 1700000001_000000001, Link: LinkEthernet, Interface: 1, Length: 46, VLAN: 0x8100_0064, Data: packet}, ""),
		)
	})
	command := exec.Command(tcpdump, "-r", "-", "-nn", "-e", "-tt", "--nano")
	command.Stdin = bytes.NewReader(file)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("tcpdump: %v\n%s", err, out)
	}
	for _, want := range []string{
		"1700000000.123456789 11:12:13:14:15:16 > 01:02:03:04:05:06",
		"192.0.2.1.1234 > 192.0.2.2.53",
		"1700000001.000000001", "length 46: vlan 100,",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("tcpdump does not say %q:\n%s", want, out)
		}
	}
}

func TestWriterFileIsReadByCapinfos(t *testing.T) {
	capinfos, err := exec.LookPath("capinfos")
	if err != nil {
		t.Skip("capinfos is not installed")
	}
	packets, comments := randomPackets(2, 50)
	file := write(t, WriterOptions{Application: "portannot test"}, func(w *Writer) error {
		for i := range packets {
			if err := w.WritePacket(&packets[i], comments[i]); err != nil {
				return err
			}
		}
		return nil
	})
	name := filepath.Join(t.TempDir(), "written.pcapng")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(capinfos, "-T", "-r", "-c", name).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\t50") {
		t.Errorf("capinfos: %v\n%s", err, out)
	}
}

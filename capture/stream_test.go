package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
	"time"
)

// bigCapture makes a capture of many chunks. Some packets are longer than the
// headroom, one is longer than a chunk.
func bigCapture(seed uint64, ng bool) (file []byte, want []Packet) {
	return sizedCapture(seed, ng, 9<<20)
}

func sizedCapture(seed uint64, ng bool, size int) (file []byte, want []Packet) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	f := pcapFile(le, 0xa1b23c4d, 4<<20, 1)
	if ng {
		f = ngFile(le)
		f.iface(1, 0, 9, []byte{9})
	}
	noise := make([]byte, size/3)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	for i := 0; len(f.b) < size; i++ {
		n := rnd.IntN(1500)
		switch {
		case rnd.IntN(300) == 0:
			n = rnd.IntN(min(200<<10, len(noise)))
		case i == 500:
			n = len(noise)
		}
		data := noise[:n]
		if n < len(noise) {
			at := rnd.IntN(len(noise) - n)
			data = noise[at : at+n]
		}
		if ng {
			f.enhanced(0, uint64(i), data)
		} else {
			f.packet(0, uint32(i), data)
		}
		want = append(want, Packet{Time: int64(i), Number: uint64(i + 1), Link: LinkEthernet, Length: uint32(n), Data: data})
	}
	return f.b, want
}

// pieces reads a random number of bytes at a time.
type pieces struct {
	r   io.Reader
	rnd *rand.Rand
	max int
}

func (p *pieces) Read(b []byte) (int, error) {
	return p.r.Read(b[:min(len(b), 1+p.rnd.IntN(p.max))])
}

func TestStream(t *testing.T) {
	for _, ng := range []bool{false, true} {
		file, want := bigCapture(7, ng)
		rnd := rand.New(rand.NewPCG(1, 2))
		for name, r := range map[string]func() io.Reader{
			"whole":  func() io.Reader { return bytes.NewReader(file) },
			"pipe":   func() io.Reader { return &pieces{bytes.NewReader(file), rnd, 64 << 10} },
			"small":  func() io.Reader { return &pieces{bytes.NewReader(file), rnd, 700} },
			"half":   func() io.Reader { return iotest.HalfReader(bytes.NewReader(file)) },
			"at end": func() io.Reader { return iotest.DataErrReader(bytes.NewReader(file)) },
		} {
			for _, opt := range []Options{{}, {NoReadAhead: true}, {NoReadAhead: true, small: true}} {
				c, err := NewReader(r(), "x", opt)
				if err != nil {
					t.Fatal(err)
				}
				got, err := drain(c, 1+rnd.IntN(200))
				if err != io.EOF {
					t.Fatalf("%s: %v", name, err)
				}
				checkPackets(t, got, want)
				c.Close()
			}
		}
	}
}

// TestDataStaysUntilNextCall: the packets of a call, seen together after it.
func TestDataStaysUntilNextCall(t *testing.T) {
	file, want := bigCapture(3, false)
	for _, opt := range []Options{{}, {NoReadAhead: true}} {
		c, err := NewReader(bytes.NewReader(file), "x", opt)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]Packet, 10000)
		for at := 0; ; {
			n, err := c.Next(dst)
			checkPackets(t, dst[:n], want[at:at+n])
			at += n
			if err == io.EOF {
				break
			}
		}
		c.Close()
	}
}

func TestReadErrorIsReported(t *testing.T) {
	file, want := bigCapture(4, false)
	disk := errors.New("the disk is gone")
	for _, cut := range []int{0, 3, 20, 24, 1000, 5 << 20} {
		r := io.MultiReader(bytes.NewReader(file[:cut]), iotest.ErrReader(disk))
		packets, _, err := readCapture(r, Options{})
		if !errors.Is(err, disk) {
			t.Errorf("cut at %d: %v", cut, err)
		}
		checkPackets(t, packets, want[:len(packets)])
		if cut == 5<<20 && len(packets) < 100 {
			t.Errorf("only %d packets", len(packets))
		}
	}
}

func TestReaderThatMakesNoProgress(t *testing.T) {
	if _, err := NewReader(readerFunc(func([]byte) (int, error) { return 0, nil }), "x", Options{}); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestPipeIsPrompt: packets come as soon as they are written, also from behind
// the goroutine.
func TestPipeIsPrompt(t *testing.T) {
	file, want := bigCapture(5, false)
	pr, pw := io.Pipe()
	defer pw.Close()
	f := &fileBuilder{order: le}
	f.packet(0, 1, []byte("live"))
	got := make(chan int)
	go func() {
		c, err := NewReader(pr, "x", Options{})
		if err != nil {
			t.Error(err)
			close(got)
			return
		}
		defer c.Close()
		dst := make([]Packet, 100)
		for n := 0; err == nil; {
			var k int
			k, err = c.Next(dst)
			if n += k; n >= len(want) {
				got <- n
			}
		}
		close(got)
	}()
	pw.Write(file)
	for i := range 20 {
		if i > 0 {
			pw.Write(f.b)
		}
		if n, ok := <-got; !ok || n != len(want)+i {
			t.Fatalf("%d packets, want %d", n, len(want)+i)
		}
	}
}

// TestContextEndsWaiting: what was read before counts, half a packet does not.
func TestContextEndsWaiting(t *testing.T) {
	whole := timed(0, 1, 2, 3)
	for name, sent := range map[string][]byte{
		"nothing": nil, "half a header": whole[:12], "header": whole[:24], "packets": whole[:len(whole)-2],
	} {
		pr, pw := io.Pipe()
		go pw.Write(sent)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		var got []Packet
		go func() {
			c, err := NewReader(pr, "-", Options{Context: ctx})
			if err == nil {
				got, err = drain(c, 2)
				c.Close()
			}
			done <- err
		}()
		time.Sleep(20 * time.Millisecond) // it is in order to stop at any point before this, too
		cancel()
		err := <-done
		if len(sent) < 24 && !errors.Is(err, context.Canceled) || len(sent) >= 24 && err != io.EOF && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		checkPackets(t, got, mustRead(t, whole)[:len(got)])
		pw.Close()
	}
	// Without a need to stop all is read.
	file, want := bigCapture(10, false)
	got, _, err := readCapture(bytes.NewReader(file), Options{Context: context.Background()})
	if err != io.EOF {
		t.Fatal(err)
	}
	checkPackets(t, got, want)
	disk := errors.New("the disk is gone")
	_, _, err = readCapture(io.MultiReader(bytes.NewReader(file[:100000]), iotest.ErrReader(disk)), Options{Context: context.Background()})
	if !errors.Is(err, disk) {
		t.Error(err)
	}
}

func TestHeaderOfPipeIsEnough(t *testing.T) {
	for name, f := range sampleFiles() {
		pr, pw := io.Pipe()
		go pw.Write(f.b[:f.blocks[0]])
		if len(f.b[:f.blocks[0]]) < 24 {
			continue // snoop is no format of pipes
		}
		c, err := NewReader(pr, name, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.Close()
		pw.Close()
	}
}

func TestCloseEarly(t *testing.T) {
	before := runtime.NumGoroutine()
	file, _ := bigCapture(6, false)
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for calls := range 30 {
		c, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]Packet, 1000)
		for range calls {
			c.Next(dst)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
		if n, err := c.Next(dst); n != 0 || err == nil {
			t.Errorf("after close: %d packets, %v", n, err)
		}
	}
	for i := 0; runtime.NumGoroutine() > before; i++ {
		if i == 500 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	for _, ng := range []bool{false, true} {
		file, _ := bigCapture(8, ng)
		c, err := NewReader(bytes.NewReader(file), "x", Options{NoReadAhead: true})
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]Packet, 64)
		c.Next(dst)
		// Fewer packets than come before one that needs memory of its own.
		if n := testing.AllocsPerRun(15, func() { c.Next(dst[:10]) }); n != 0 {
			t.Errorf("%v allocations a call (pcapng %v)", n, ng)
		}
		c.Close()
	}
}

func TestProgress(t *testing.T) {
	file, want := bigCapture(9, false)
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stop, done := make(chan bool), make(chan bool)
	go func() { // for the race detector
		defer close(done)
		for last := int64(0); ; {
			read, total := c.Progress()
			if read < last || total != int64(len(file)) {
				t.Errorf("%d of %d after %d", read, total, last)
			}
			last = read
			select {
			case <-stop:
				return
			default:
				runtime.Gosched()
			}
		}
	}()
	got, err := drain(c, 100)
	close(stop)
	<-done
	if err != io.EOF || len(got) != len(want) {
		t.Errorf("%d packets, %v", len(got), err)
	}
	if read, total := c.Progress(); read != total {
		t.Errorf("at the end %d of %d", read, total)
	}
	if c.Name() != path || c.Format() != "pcap" {
		t.Errorf("%q %q", c.Name(), c.Format())
	}
}

func TestNotCaptures(t *testing.T) {
	for content, want := range map[string]string{
		"":                   "x: not a capture file (it is empty)",
		"GET / HTTP/1.1\r\n": `x: not a capture file (begins with "GET / HTTP/1.1\r\n")`,
		"abc":                `x: not a capture file (begins with "abc")`,
		"RTSS\x01\x01":       "x: not a capture file that can be read here: it is a Microsoft Network Monitor 1 capture",
	} {
		_, err := NewReader(bytes.NewReader([]byte(content)), "x", Options{})
		if !errors.Is(err, ErrNotCapture) || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", content, err, want)
		}
	}
	if _, err := Open(t.TempDir(), Options{}); err == nil {
		t.Error("a directory was opened")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

//go:build linux

// Command flood sends the packets of a capture from an interface at an even rate, again
// and again, with sendmmsg(2).
//
//	flood -i veth0 -rate 400000 -time 20s FILE
//
// It prints how many packets it sent.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/portannot/portannot/capture"
)

const batch = 64 // packets a system call

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr syscall.Msghdr
	len uint32
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("flood: ")
	name := flag.String("i", "", "interface")
	rate := flag.Float64("rate", 400_000, "packets a second")
	length := flag.Duration("time", 10*time.Second, "how long")
	flag.Parse()
	sent, err := send(*name, flag.Arg(0), *rate, *length)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent)
}

func send(name, file string, rate float64, length time.Duration) (sent uint64, err error) {
	frames, err := read(file)
	if err != nil {
		return 0, err
	}
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return 0, err
	}
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0) // protocol 0: it receives nothing
	if err != nil {
		return 0, fmt.Errorf("open packet socket: %w", err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrLinklayer{Ifindex: ifi.Index}); err != nil {
		return 0, fmt.Errorf("bind to %s: %w", name, err)
	}
	var messages [batch]mmsghdr
	var vectors [batch]syscall.Iovec
	for i := range messages {
		messages[i].hdr.Iov, messages[i].hdr.Iovlen = &vectors[i], 1
	}
	begin := time.Now()
	for at := 0; ; {
		elapsed := time.Since(begin)
		if elapsed >= length {
			return sent, nil
		}
		due := int(elapsed.Seconds()*rate) - int(sent)
		if due < batch {
			time.Sleep(50 * time.Microsecond)
			continue
		}
		for i := range vectors {
			f := frames[at]
			vectors[i].Base, vectors[i].Len = &f[0], uint64(len(f))
			at = (at + 1) % len(frames)
		}
		n, _, errno := syscall.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])), batch, 0, 0, 0)
		if errno != 0 && errno != syscall.ENOBUFS && errno != syscall.EINTR {
			return sent, fmt.Errorf("sendmmsg: %w", errno)
		}
		if errno == 0 {
			sent += uint64(n)
		}
	}
}

// read gives the packets of a capture.
func read(file string) (frames [][]byte, err error) {
	src, err := capture.Open(file, capture.Options{})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	packets := make([]capture.Packet, 256)
	for {
		n, err := src.Next(packets)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, p := range packets[:n] {
			if len(p.Data) > 14 && len(p.Data) <= 1514 {
				frames = append(frames, slices.Clone(p.Data))
			}
		}
	}
	if len(frames) == 0 {
		return nil, errors.New("no packets")
	}
	return frames, nil
}

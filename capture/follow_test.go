package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// following reads a growing file in a goroutine.
type following struct {
	t      *testing.T
	path   string
	cancel context.CancelFunc
	got    chan Packet
	end    chan error
	w      *Follower
}

func startFollowing(t *testing.T, path string) *following {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	w, err := Follow(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return newFollowing(t, path, cancel, w)
}

func newFollowing(t *testing.T, path string, cancel context.CancelFunc, w *Follower) *following {
	w.poll = time.Millisecond
	f := &following{t: t, path: path, cancel: cancel, got: make(chan Packet, 100), end: make(chan error, 1), w: w}
	go func() {
		dst := make([]Packet, 10)
		for {
			n, err := w.Next(dst)
			for _, p := range dst[:n] {
				f.got <- keep(p)
			}
			if err != nil {
				f.end <- err
				return
			}
			w.Progress()
		}
	}()
	return f
}

func (f *following) append(b []byte) {
	f.t.Helper()
	out, err := os.OpenFile(f.path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = out.Write(b)
		out.Close()
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *following) want(label string, number uint64) {
	f.t.Helper()
	var p Packet
	select {
	case p = <-f.got:
	case err := <-f.end:
		f.end <- err
		select { // what came before the end
		case p = <-f.got:
		default:
			f.t.Fatalf("ended: %v", err)
		}
	case <-time.After(30 * time.Second):
		f.t.Fatal("no packet came")
	}
	if string(p.Data) != label || p.Number != number {
		f.t.Fatalf("packet %d %q, want %d %q", p.Number, p.Data, number, label)
	}
}

func (f *following) stop() {
	f.t.Helper()
	f.cancel()
	select {
	case err := <-f.end:
		if err != io.EOF {
			f.t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		f.t.Fatal("does not stop")
	}
	if err := f.w.Close(); err != nil {
		f.t.Error(err)
	}
}

func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcap")
	b := timed(0, 1, 2, 3)
	os.WriteFile(path, nil, 0o600)
	f := startFollowing(t, path)
	f.append(b[:10]) // half a file header
	f.append(b[10:30])
	f.append(b[30:50]) // a packet and a bit
	f.want("0.1", 1)
	f.append(b[50:])
	f.want("0.2", 2)
	f.want("0.3", 3)
	f.append(b[24:30]) // a packet that is half written is no damage
	f.stop()
	if list, n := f.w.Problems(); n != 0 {
		t.Errorf("problems %v", list)
	}
}

func TestFollowReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.pcap")
	os.WriteFile(path, timed(0, 1), 0o600)
	f := startFollowing(t, path)
	f.want("0.1", 1)
	whole := timed(0, 1, 2)
	f.append(whole[len(timed(0, 1)):]) // written just before the rotation
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	f.want("0.2", 2)
	time.Sleep(5 * time.Millisecond) // the name is gone for a while
	next := filepath.Join(dir, "next")
	os.WriteFile(next, timed(1, 3, 4), 0o600)
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	f.want("1.1", 1)
	f.want("1.2", 2)
	f.stop()
}

func TestFollowTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcap")
	b := timed(0, 1, 2)
	os.WriteFile(path, b[:len(b)-1], 0o600)
	f := startFollowing(t, path)
	f.want("0.1", 1)
	time.Sleep(5 * time.Millisecond)
	if err := os.WriteFile(path, timed(1, 3), 0o600); err != nil { // shorter, from the start
		t.Fatal(err)
	}
	f.want("1.1", 1)
	f.stop()
	if list, n := f.w.Problems(); n != 1 || list[0].Packet != 2 {
		t.Errorf("problems %v, want the packet that was cut", list)
	}
}

func TestFollowDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcap")
	c := pcapFile(le, 0xa1b2c3d4, 65535, 1)
	c.packet(1, 0, []byte("ok"))
	c.record(1, 0, 1<<31, 1<<31, nil)
	os.WriteFile(path, c.b, 0o600)
	f := startFollowing(t, path)
	f.want("ok", 1)
	var d *DamageError
	if err := <-f.end; !errors.As(err, &d) || d.Packet != 2 {
		t.Error(err)
	}
	f.w.Close()
}

func TestFollowNoCapture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if _, err := Follow(context.Background(), path, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	os.WriteFile(path, bytes.Repeat([]byte("no capture "), 10), 0o600)
	f := startFollowing(t, path)
	if err := <-f.end; !errors.Is(err, ErrNotCapture) {
		t.Error(err)
	}
	f.w.Close()

	os.WriteFile(path, nil, 0o600)
	f = startFollowing(t, path)
	f.stop()
}

// TestFollowRewritten: a file that was written anew in its place, longer than it was,
// is another one, and read from its beginning.
func TestFollowRewritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcap")
	os.WriteFile(path, timed(0, 1, 2), 0o600)
	f := startFollowing(t, path)
	f.want("0.1", 1)
	f.want("0.2", 2)
	for i := 1; i < 8; i++ { // as fast as can be: some of it between two looks
		if err := os.WriteFile(path, timed(i, 3, 4, 5, 6), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		for j := range 4 {
			f.want(fmt.Sprintf("%d.%d", i, j+1), uint64(j+1))
		}
	}
	f.stop()
	if n := f.w.Restarts(); n < 7 {
		t.Errorf("%d restarts", n)
	}
}

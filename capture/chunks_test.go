package capture

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
)

// chunked is what came of a capture read by several goroutines.
func chunked(c *Reader, workers int) ([]Packet, error) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	parts := map[uint64][]Packet{}
	for range workers {
		wait.Go(func() {
			var chunk Chunk
			for c.NextChunk(&chunk) {
				var part []Packet
				for _, p := range chunk.Packets {
					part = append(part, keep(p))
				}
				mu.Lock()
				parts[chunk.Index] = part
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	var packets []Packet
	for i := range uint64(len(parts)) {
		part, ok := parts[i]
		if !ok {
			return nil, errors.New("the indexes of the chunks have a gap")
		}
		packets = append(packets, part...)
	}
	return packets, c.Err()
}

// sameByChunks checks that several goroutines read of a capture what Next does:
// packets, error and problems.
func sameByChunks(t *testing.T, name string, open func() (*Reader, error)) {
	t.Helper()
	c, err := open()
	if err != nil {
		return // no capture
	}
	want, wantErr := drain(c, 100)
	if wantErr == io.EOF {
		wantErr = nil
	}
	wantList, wantN := c.Problems()
	c.Close()
	for _, workers := range []int{1, 3} {
		c, err := open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := chunked(c, workers)
		list, n := c.Problems()
		if !reflect.DeepEqual(err, wantErr) && (err == nil || wantErr == nil || err.Error() != wantErr.Error()) {
			t.Errorf("%s, %d workers: error %v, want %v", name, workers, err, wantErr)
		}
		if n != wantN || !slices.Equal(list, wantList) {
			t.Errorf("%s, %d workers: %d problems %v, want %d %v", name, workers, n, list, wantN, wantList)
		}
		checkPackets(t, got, want)
		if err := c.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestChunks: whole files, files cut anywhere and files with wrong bytes, from
// disk and through a pipe, with records longer than a piece.
func TestChunks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for _, ng := range []bool{false, true} {
		file, want := bigCapture(11, ng)
		rnd := rand.New(rand.NewPCG(3, 4))
		for i := range 12 {
			bad := slices.Clone(file)
			switch {
			case i == 0: // as it is
			case i < 6:
				bad = bad[:rnd.IntN(len(bad))]
			default:
				for range 1 + rnd.IntN(3) {
					bad[rnd.IntN(len(bad))] ^= byte(1 << rnd.IntN(8))
				}
			}
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			sameByChunks(t, "file", func() (*Reader, error) { return Open(path, Options{}) })
			sameByChunks(t, "memory", func() (*Reader, error) { return NewReader(bytes.NewReader(bad), "x", Options{}) })
			sameByChunks(t, "pipe", func() (*Reader, error) {
				return NewReader(&pieces{bytes.NewReader(bad), rand.New(rand.NewPCG(1, 1)), 64 << 10}, "x", Options{})
			})
			sameByChunks(t, "no reading ahead", func() (*Reader, error) { return Open(path, Options{NoReadAhead: true}) })
		}
		c, err := NewReader(bytes.NewReader(file), "x", Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := chunked(c, 4)
		if err != nil {
			t.Error(err)
		}
		checkPackets(t, got, want)
		c.Close()
	}
}

// TestChunksOfStandardInput: a file that is not at its beginning, as the shell
// may hand it over.
func TestChunksOfStandardInput(t *testing.T) {
	file, want := bigCapture(12, false)
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, append([]byte("not a capture"), file...), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(int64(len("not a capture")), io.SeekStart); err != nil {
		t.Fatal(err)
	}
	c, err := NewReader(f, "-", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := chunked(c, 2)
	if err != nil {
		t.Error(err)
	}
	checkPackets(t, got, want)
}

// TestChunkMemoryIsReused: after the first round, a goroutine's chunk takes no
// new memory.
func TestChunkMemoryIsReused(t *testing.T) {
	file, _ := sizedCapture(13, false, 12<<20)
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var chunk Chunk
	for range 30 { // past the long record and those that Packets grows for
		if !c.NextChunk(&chunk) {
			t.Fatal("the capture is too short for this test")
		}
	}
	if n := testing.AllocsPerRun(10, func() { c.NextChunk(&chunk) }); n > 1 {
		t.Errorf("%v allocations for a chunk of %d packets", n, len(chunk.Packets))
	}
}

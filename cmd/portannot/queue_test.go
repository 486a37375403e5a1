package main

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// gate is an output that takes nothing until it is opened.
type gate struct {
	open chan struct{}
	bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.Buffer.Write(p)
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newQueue(g)
		p := make([]byte, 1<<20)
		for i := range queueSize >> 20 {
			p[0] = byte(i)
			if _, err := q.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		written := make(chan struct{})
		go func() {
			defer close(written)
			p[0] = 255
			q.Write(p)
		}()
		synctest.Wait()
		select {
		case <-written:
			t.Error("more waits than queueSize")
		default:
		}
		close(g.open)
		<-written
		q.end()
		if err := q.close(); err != nil {
			t.Error(err)
		}
		if b := g.Bytes(); len(b) != queueSize+1<<20 || b[1<<20] != 1 || b[queueSize] != 255 {
			t.Errorf("%d bytes, or not in their order", len(b))
		}
	})
}

// TestQueueBlocked: an output that takes nothing is given up after the end, and not
// before; a Write that waits for it comes back.
func TestQueueBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newQueue(g)
		if _, err := q.Write(make([]byte, queueSize)); err != nil {
			t.Fatal(err)
		}
		end := make(chan error)
		go func() {
			_, err := q.Write([]byte("x"))
			end <- err
		}()
		time.Sleep(time.Hour)
		select {
		case err := <-end:
			t.Fatalf("before the end: %v", err)
		default:
		}
		began := time.Now()
		q.end()
		if err := <-end; !errors.Is(err, errBlocked) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took > 2*queueWait {
			t.Errorf("given up after %v", took)
		}
		if err := q.close(); !errors.Is(err, errBlocked) {
			t.Errorf("close: %v", err)
		}
		close(g.open)
	})
}

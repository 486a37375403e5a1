package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
)

// What this system says of a pipe without a reader is known, also below other
// errors, as a writer would pass it on.
func TestBrokenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	_, err = w.Write([]byte("x"))
	if err == nil {
		t.Fatal("a write to a pipe without a reader gives no error")
	}
	if !isBrokenPipe(fmt.Errorf("write flows: %w", err)) {
		t.Errorf("not known as a broken pipe: %v", err)
	}
	for _, err := range []error{nil, errors.New("broken pipe"), fs.ErrNotExist, os.ErrClosed} {
		if isBrokenPipe(err) {
			t.Errorf("taken for a broken pipe: %v", err)
		}
	}
}

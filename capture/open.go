package capture

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// OpenFile opens a file for reading, as os.Open does. For a named pipe it waits for
// a writer; if ctx is done first, it returns context.Cause(ctx).
func OpenFile(ctx context.Context, path string) (*os.File, error) {
	st, err := os.Stat(path)
	var missing *fs.PathError
	if errors.Is(err, fs.ErrNotExist) && errors.As(err, &missing) {
		missing.Op = "open" // a sandbox would say that this is not allowed
		return nil, missing
	}
	if ctx == nil || err != nil || st.Mode()&os.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	type opened struct {
		f   *os.File
		err error
	}
	c := make(chan opened, 1)
	go func() {
		f, err := os.Open(path)
		c <- opened{f, err}
	}()
	select {
	case o := <-c:
		return o.f, o.err
	case <-ctx.Done():
		go func() { // whoever comes to write finds nobody
			if o := <-c; o.err == nil {
				o.f.Close()
			}
		}()
		return nil, &os.PathError{Op: "open", Path: path, Err: context.Cause(ctx)}
	}
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/internal/rotate"
	"github.com/portannot/portannot/cmd/portannot/internal/follow"
)

// maxPositionFile bounds what is read of a position file, in bytes.
const maxPositionFile = 16 << 20

// positionFile is what stands in the file of --position.
type positionFile struct {
	Version int                        `json:"portannot_position"`
	Saved   time.Time                  `json:"saved"`
	Files   map[string]follow.Position `json:"files"`
	Output  *rotate.Place              `json:"output,omitempty"` // what was written when all of Files was done
}

// positions saves how far logs are read.
type positions struct {
	env    *env
	path   string
	output *rotate.File // nil: standard output, of which nobody knows what became
	before positionFile
	failed bool
}

// readPositions reads the file of --position, if it is there.
func (e *env) readPositions(path string) (*positions, error) {
	p := &positions{env: e, path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--position: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && st.Size() == 0 {
		return p, nil
	}
	d := json.NewDecoder(io.LimitReader(f, maxPositionFile))
	if err := d.Decode(&p.before); err != nil || p.before.Version != 1 {
		return nil, usagef("name another file, or remove it to begin anew", "--position %s: is not a position file", path)
	}
	for path, at := range p.before.Files {
		if at.Offset < 0 || at.Header < 0 {
			return nil, usagef("", "--position %s: %s: a place before the beginning", p.path, path)
		}
	}
	return p, nil
}

// goBack removes what a run that was killed wrote to the output after the positions
// were saved: it is written again.
func (p *positions) goBack(output string) error {
	if output == "" || p.before.Output == nil {
		return nil
	}
	found, removed, err := rotate.GoBack(output, *p.before.Output)
	switch {
	case err != nil:
		return fmt.Errorf("--output-file %s: go back to the saved position: %w", output, err)
	case !found:
		p.env.warnf("--output-file %s: the file of the saved position is not there: what was written after it may come again", output)
	case removed > 0:
		p.env.warnf("--output-file %s: %s that were written after the saved position are removed, to be written again", output, plural(uint64(removed), "byte"))
	}
	return nil
}

// everySecond saves the positions until the function that it returns is called, and
// then once more.
func (p *positions) everySecond(out *sharedOutput) (stop func()) {
	if p == nil {
		return func() {}
	}
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				p.save(out)
			}
		}
	})
	return func() {
		close(done)
		wait.Wait()
		p.save(out)
	}
}

// save writes what is done of all logs, as the output has it.
func (p *positions) save(out *sharedOutput) {
	now := positionFile{Version: 1, Saved: time.Now().UTC(), Files: map[string]follow.Position{}}
	for path, at := range p.before.Files { // of logs that are not there any more, or not yet
		now.Files[path] = at
	}
	out.mu.Lock()
	if p.output != nil {
		place, ok := p.output.Place()
		if !ok { // what is held back is not done
			out.mu.Unlock()
			return
		}
		now.Output = &place
	}
	for path, s := range out.streams {
		if s.log != nil && !s.log.Compressed() {
			now.Files[path] = s.log.At(s.done, s.head)
		}
	}
	out.mu.Unlock()
	err := p.write(&now)
	if err != nil && !p.failed {
		p.env.warnf("--position: %v", err)
	}
	if p.failed = err != nil; !p.failed {
		p.before = now
	}
}

func (p *positions) write(now *positionFile) error {
	f, err := outfile.CreateMode(p.path, 0o600)
	if err != nil {
		return err
	}
	defer f.Discard()
	enc := json.NewEncoder(f)
	enc.SetIndent("", "  ")
	if err := enc.Encode(now); err != nil {
		return err
	}
	return f.Commit()
}

// folder is where the position file is replaced.
func (p *positions) folder() []string {
	if p == nil {
		return nil
	}
	target, err := outfile.Target(p.path)
	if err != nil {
		target = p.path
	}
	return []string{filepath.Dir(target)}
}

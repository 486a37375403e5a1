package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// place is a regular file, or one that may become one, by identity.
type place struct {
	name string
	info os.FileInfo // nil: nothing is there yet
	path string      // valid if info is nil: without links
}

func (a place) same(b place) bool {
	if a.info == nil || b.info == nil {
		return a.info == nil && b.info == nil && a.path == b.path
	}
	return os.SameFile(a.info, b.info)
}

// placeOf gives the place of a file; ok is false for what cannot be overwritten by
// accident: a device, a pipe, a folder, an address.
func placeOf(f cli.NamedFile) (p place, ok bool) {
	if f.Path == "" || f.Path == "-" {
		return place{}, false
	}
	p = place{name: f.String()}
	if st, err := os.Stat(f.Path); err == nil {
		p.info = st
		return p, st.Mode().IsRegular()
	}
	if !f.Output {
		return place{}, false // it cannot be read
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(f.Path))
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	p.path = filepath.Join(dir, filepath.Base(f.Path))
	return p, err == nil
}

// placeOfStream gives the place behind standard input or output.
func placeOfStream(stream any, name string) (p place, ok bool) {
	f, isFile := asFile(stream)
	if !isFile {
		return place{}, false
	}
	st, err := f.Stat()
	return place{name: name, info: st}, err == nil && st.Mode().IsRegular()
}

// stdoutNames are names of standard output: a run that writes there twice was told to.
var stdoutNames = []string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}

// takeFiles notes the outputs that a command line names, and refuses one that is
// an input too, or another output. It is called before anything is opened.
func (e *env) takeFiles(c *cli.Command, fs *pflag.FlagSet) error {
	var inputs []cli.NamedFile
	if out, ok := placeOfStream(e.stdout, "standard output"); ok {
		e.outputs = append(e.outputs, out)
	}
	for _, f := range c.Files(fs) {
		if !f.Output {
			inputs = append(inputs, f)
			continue
		}
		p, ok := placeOf(f)
		if !ok {
			continue
		}
		for _, other := range e.outputs {
			if p.same(other) && !slices.Contains(stdoutNames, f.Path) {
				return usagef("name another file", "%s: this file is %s too", p.name, other.name)
			}
		}
		e.outputs = append(e.outputs, p)
	}
	if in, ok := placeOfStream(e.stdin, "standard input"); ok {
		if err := e.refusePlace(in); err != nil {
			return err
		}
	}
	if f := fs.Lookup("registry"); f != nil && f.Value.String() == "" {
		if dir, err := dataFolder(); err == nil { // read where no other is named
			inputs = append(inputs, cli.NamedFile{Path: filepath.Join(dir, compactName)}, cli.NamedFile{Path: filepath.Join(dir, publishedName)})
		}
	}
	return e.refuse(inputs)
}

// refuse refuses inputs that are outputs too.
func (e *env) refuse(inputs []cli.NamedFile) error {
	for _, in := range inputs {
		if p, ok := placeOf(in); ok {
			if err := e.refusePlace(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *env) refusePlace(in place) error {
	for _, out := range e.outputs {
		if in.same(out) {
			return usagef("name another file to write", "%s: this file is an input (%s)", out.name, in.name)
		}
	}
	return nil
}

// refusePaths is refuse for what patterns and folders gave.
func (e *env) refusePaths(paths []string) error {
	inputs := make([]cli.NamedFile, len(paths))
	for i, p := range paths {
		inputs[i].Path = p
	}
	return e.refuse(inputs)
}

// refusePatterns refuses outputs that a pattern of files which are followed takes for
// inputs once they are there.
func refusePatterns(patterns []string, outputs ...string) error {
	for _, pattern := range patterns {
		if !capture.IsPattern(pattern) {
			continue
		}
		whole, err := filepath.Abs(pattern)
		if err != nil {
			return err
		}
		for _, out := range outputs {
			path, err := filepath.Abs(out)
			if err != nil {
				return err
			}
			if ok, _ := filepath.Match(whole, path); ok && out != "" && out != "-" {
				return usagef("name another file to write", "%s: this file would be an input (%s)", out, pattern)
			}
		}
	}
	return nil
}

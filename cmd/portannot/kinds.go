package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/iana/edition"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/annotate/review/rules"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/unpack"
)

// fileKind is what a file is by its content, as far as it names the command that
// reads it.
type fileKind uint8

const (
	unknownKind fileKind = iota
	captureKind
	logKind
	reportKind
	registryKind
	answersKind
	rulesKind
	policyKind
)

var fileKinds = [...]struct{ is, command string }{
	captureKind:  {"a capture", "portannot -r FILE"},
	logKind:      {"a flow log", "portannot enrich FILE"},
	reportKind:   {"a report of portannot review", "portannot review -r CAPTURE --baseline FILE"},
	registryKind: {"an edition of the registry", "portannot lookup --registry FILE QUERY"},
	answersKind:  {"what the registry says of ports", "portannot lookup QUERY asks it"},
	rulesKind:    {"a file of firewall rules", "portannot review -r CAPTURE --rules FILE"},
	policyKind:   {"a policy", "portannot review -r CAPTURE --policy FILE"},
}

// begins is how much of a file its kind is found by.
const begins = 64 << 10

// kindOfFile gives the kind of a file. Files other than regular ones are not read.
func kindOfFile(name string) fileKind { return kindOf(beginning(name)) }

// beginning reads the first bytes of a regular file; nil if there is none.
func beginning(name string) []byte {
	if st, err := os.Stat(name); name == "-" || err != nil || !st.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, begins))
	return b
}

// kindOf gives the kind of a file that begins with b.
func kindOf(b []byte) fileKind {
	plain := uncompressed(b)
	kind := markedKind(plain)
	if kind != captureKind && isLog(plain) {
		return logKind
	}
	return kind
}

// notLog gives the kind of a file that is surely no log; otherwise unknownKind.
func notLog(b []byte) fileKind {
	plain := uncompressed(b)
	kind := markedKind(plain)
	if kind != captureKind && kind != unknownKind && isLog(plain) {
		return unknownKind
	}
	return kind
}

// uncompressed gives what the beginning of a file holds, if it is compressed.
func uncompressed(b []byte) []byte {
	f := unpack.Detect(b)
	if f == nil {
		return b
	}
	r, release, err := f.Open(bytes.NewReader(b))
	if err != nil {
		return b
	}
	if release != nil {
		defer release()
	}
	plain, _ := io.ReadAll(io.LimitReader(r, begins)) // which ends where b does
	return plain
}

// markedKind gives the kind of what begins as no log does.
func markedKind(b []byte) fileKind {
	switch {
	case len(b) == 0:
		return unknownKind
	case beginsCapture(b):
		return captureKind
	case review.IsReport(b):
		return reportKind
	case edition.Recognise(b):
		return registryKind
	case bytes.HasPrefix(b, []byte(`{"port":`)) && bytes.Contains(b[:min(len(b), 200)], []byte(`,"listed":`)):
		return answersKind
	case rules.Recognise(b):
		return rulesKind
	case review.IsPolicy(b):
		return policyKind
	}
	return unknownKind
}

func beginsCapture(b []byte) bool {
	src, err := capture.NewReader(bytes.NewReader(b), "", capture.Options{NoReadAhead: true})
	if err != nil {
		var damage *capture.DamageError
		return errors.As(err, &damage)
	}
	src.Close()
	return true
}

// isLog reports whether a file that begins with b has records of flows.
func isLog(b []byte) bool {
	r := flowlog.NewReader(bytes.NewReader(b), "")
	for r.Scan() {
		if r.Record().Kind == flowlog.Flow {
			return true
		}
	}
	return r.Format() != ""
}

// wrongKind is the mistake of giving a file to a command that does not read its kind.
// commands has the right ones where they differ from those of fileKinds.
func wrongKind(name string, kind fileKind, wanted string, commands map[fileKind]string) *usageError {
	command := commands[kind]
	if command == "" {
		command = fileKinds[kind].command
	}
	switch {
	case name != "-":
		command = strings.ReplaceAll(command, "FILE", shellWord(name))
	case kind == captureKind || kind == logKind:
		command = strings.ReplaceAll(command, "FILE", "-")
	}
	return &usageError{Msg: inputName(name) + " is " + fileKinds[kind].is + ", not " + wanted, Hint: command}
}

func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// shellWord quotes a name for the shell where it needs that.
func shellWord(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:,@%", r) || r > 0x7f
	}
	if name != "" && strings.TrimFunc(name, plain) == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// notCaptures is the mistake of giving paths to -r that are all of other kinds; nil
// if the kind of one is not known.
func (j *job) notCaptures(paths []string) error {
	var first *usageError
	for _, path := range paths {
		kind := kindOfFile(path)
		if f, ok := asFile(j.env.stdin); ok && path == "-" {
			b := make([]byte, begins)
			n, _ := f.ReadAt(b, 0)
			kind = kindOf(b[:n])
		}
		if kind == unknownKind || kind == captureKind {
			return nil
		}
		if first == nil {
			first = wrongKind(path, kind, "a capture", j.instead)
		}
	}
	if first == nil {
		return nil
	}
	return first
}

// logCheck finds files of other kinds where logs are expected. What is of no known
// kind may be a log.
type logCheck struct {
	command string              // that reads them
	instead map[fileKind]string // as for wrongKind
	stated  bool                // the user says what the format is: only a capture is refused
}

// kind gives the kind of what begins with b if it is the wrong one.
func (c *logCheck) kind(b []byte) fileKind {
	kind := notLog(b)
	if c.stated && kind != captureKind {
		return unknownKind
	}
	return kind
}

// files looks at files that are to be read.
func (c *logCheck) files(names []string) error {
	folders := 0
	for _, name := range names {
		if st, err := os.Stat(name); name != "-" && err == nil && st.IsDir() {
			folders++
		}
		if kind := c.kind(beginning(name)); kind != unknownKind {
			return wrongKind(name, kind, "a log", c.instead)
		}
	}
	if folders > 0 && folders == len(names) {
		return usagef("name the logs in it: "+c.command+" "+filepath.Join(names[0], "*"), "%s is a directory", names[0])
	}
	return nil
}

// input is standard input.
func (c *logCheck) input(stdin io.Reader) io.Reader {
	return &knownInput{r: stdin, check: func(begin []byte) error {
		if kind := c.kind(begin); kind != unknownKind {
			return wrongKind("-", kind, "a log", c.instead)
		}
		return nil
	}}
}

// wrongInput is the error of reading standard input of the wrong kind, which ends the
// run.
type wrongInput struct{ error }

func (w *wrongInput) Unwrap() error { return w.error }

// knownInput is standard input, whose kind is looked at before the first byte is
// given out. Where the kind is wrong, reading fails with a usage error.
type knownInput struct {
	r     io.Reader
	check func(begin []byte) error
	begin []byte
	begun bool
	wrong error
}

func (k *knownInput) Read(p []byte) (int, error) {
	if !k.begun {
		k.begun = true
		k.begin = make([]byte, begins)
		n, err := k.r.Read(k.begin) // what is there: more may come only later
		k.begin = k.begin[:n]
		if wrong := k.check(k.begin); wrong != nil {
			k.wrong = &wrongInput{wrong}
		} else if n == 0 {
			return 0, err
		}
	}
	if k.wrong != nil {
		return 0, k.wrong
	}
	if len(k.begin) > 0 {
		n := copy(p, k.begin)
		k.begin = k.begin[n:]
		return n, nil
	}
	return k.r.Read(p)
}

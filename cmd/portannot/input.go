package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// expand turns the arguments into paths. An argument that gives none is
// reported, and the others are kept; err is not nil if there are none.
func (j *job) expand() (paths []string, skipped int, failed bool, err error) {
	folders := 0
	for _, arg := range j.files {
		found, n, err := capture.Expand([]string{arg}, j.recursive)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			j.env.warnf("%s: no such file", arg)
			if !strings.ContainsAny(arg, "./\\*") {
				j.env.warnf("hint: %s", j.env.commandHint(arg))
			}
		case errors.Is(err, capture.ErrDirectory):
			j.env.warnf("%s is a directory", arg)
			j.env.warnf("hint: --recursive reads the captures in it")
			folders++
		case err != nil:
			j.env.warnf("%v", err)
		}
		failed = failed || err != nil
		for _, p := range found {
			if p != arg && outfile.IsTemporary(p) {
				skipped++ // a killed program of ours left it behind
				continue
			}
			paths = append(paths, p)
		}
		skipped += n
	}
	switch {
	case folders > 0 && folders == len(j.files):
		return nil, 0, true, &usageError{} // which has been reported
	case len(paths) == 0:
		if !failed {
			j.env.warnf("no captures in %s, and %s of other kinds", strings.Join(j.files, ", "), plural(uint64(skipped), "file"))
		}
		return nil, 0, true, errPart // each argument that failed has said why
	}
	return paths, skipped, failed, nil
}

// commandHint says which commands there are, for a word that is neither one nor a
// file.
func (e *env) commandHint(word string) string {
	names := e.program().SubNames()
	if near := cli.DidYouMean("portannot ", word, names); near != "" {
		return near
	}
	return "the commands are " + cli.Or(names...)
}

// captureInput is standard input where a capture is expected. A file stays one, whose
// length is asked for.
func (j *job) captureInput() io.Reader {
	if _, isFile := placeOfStream(j.env.stdin, ""); isFile {
		return j.env.stdin
	}
	return &knownInput{r: j.env.stdin, check: func(begin []byte) error {
		if kind := kindOf(begin); kind != unknownKind && kind != captureKind {
			return wrongKind("-", kind, "a capture", j.instead)
		}
		return nil
	}}
}

// open opens the paths as one stream of packets ordered by time.
func (j *job) open(ctx context.Context, paths []string) (capture.FileSource, error) {
	opt := capture.Options{Stdin: j.captureInput(), Context: ctx}
	switch {
	case j.follow:
		return j.openFollowed(ctx, paths, opt)
	case len(paths) == 1:
		return capture.Open(paths[0], opt)
	}
	return capture.OpenFiles(paths, opt)
}

// openFollowed follows one file by its name, or several one after the other.
func (j *job) openFollowed(ctx context.Context, names []string, opt capture.Options) (capture.FileSource, error) {
	there := 0
	for _, name := range names {
		switch _, err := os.Stat(name); {
		case err == nil:
			there++
		case !capture.IsPattern(name):
			j.env.warnf("%s: not there yet: it is waited for", name)
		default:
			if found, _ := filepath.Glob(name); len(found) == 0 {
				j.env.warnf("no file matches %s yet: it is waited for", name)
			}
		}
	}
	if len(names) == 1 && there == 1 {
		st, err := os.Stat(names[0])
		if err == nil && st.IsDir() {
			j.env.warnf("%s is a directory", names[0])
			return nil, usagef("name a pattern, -r '"+filepath.Join(names[0], "*.pcapng")+"'", "--follow takes files")
		}
		return capture.Follow(ctx, names[0], opt)
	}
	return capture.FollowFiles(ctx, names, opt)
}

// notOpened reports that no path could be opened. hint is for what is of no known
// kind.
func (j *job) notOpened(err error, paths []string, hint string) error {
	var wrong *wrongInput
	var usage *usageError
	switch {
	case errors.As(err, &wrong): // of standard input
		return wrong
	case errors.As(err, &usage):
		return usage
	case errors.Is(err, capture.ErrNotCapture):
		if usage := j.notCaptures(paths); usage != nil {
			return usage
		}
		j.env.warnEach(err)
		j.env.warnf("hint: %s", hint)
	default:
		j.env.warnEach(err)
	}
	return errPart
}

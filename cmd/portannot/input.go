package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
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
		return capture.Follow(ctx, paths[0], opt)
	case len(paths) == 1:
		return capture.Open(paths[0], opt)
	}
	return capture.OpenFiles(paths, opt)
}

// notOpened reports that no path could be opened. hint is for what is of no known
// kind.
func (j *job) notOpened(err error, paths []string, hint string) error {
	var wrong *wrongInput
	switch {
	case errors.As(err, &wrong): // of standard input
		return wrong
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

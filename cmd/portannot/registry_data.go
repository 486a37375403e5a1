package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
	"github.com/portannot/portannot/annotate/iana/edition/update"
)

// What `registry update` leaves in the data folder: the edition as published,
// and the same in a form that opens at once. The second can always be made of
// the first.
const (
	publishedName = "registry"
	compactName   = "registry.compact"
	pinName       = "registry.pinned" // see pinOlder
)

// embeddedWord stands for the embedded edition where a file is asked for. A
// file of that name is ./embedded.
const embeddedWord = "embedded"

// dataFolder is where the program keeps its data: $XDG_DATA_HOME/portannot
// where that is set, else where the system's programs keep theirs.
//
// The XDG base directory specification has relative paths ignored.
func dataFolder() (string, error) {
	base := os.Getenv("XDG_DATA_HOME")
	if filepath.IsAbs(base) {
		return filepath.Join(base, "portannot"), nil
	}
	if runtime.GOOS == "windows" {
		if base = os.Getenv("LocalAppData"); base != "" {
			return filepath.Join(base, "portannot"), nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find data folder: %w", err)
	}
	switch runtime.GOOS {
	case "windows":
		return filepath.Join(home, "AppData", "Local", "portannot"), nil
	case "darwin", "ios":
		return filepath.Join(home, "Library", "Application Support", "portannot"), nil
	}
	return filepath.Join(home, ".local", "share", "portannot"), nil
}

// chosen is a registry and where it came from.
type chosen struct {
	*iana.Registry
	path    string // file that was read; empty for the embedded edition
	updated bool   // by `registry update`
}

// chooseRegistry gives the registry that --registry names: a file, or the
// embedded edition. For an empty name it is the edition that `registry update`
// installed, unless there is none or the embedded one is newer.
func chooseRegistry(ctx context.Context, name string) (chosen, error) {
	switch name {
	case "":
		c, err := updatedRegistry()
		if err != nil {
			return chosen{}, withHint(fmt.Errorf("updated registry: %w", err),
				"`portannot registry update` repairs it; --registry embedded does without it")
		}
		if c.Registry != nil {
			return c, nil
		}
		fallthrough
	case embeddedWord:
		return chosen{Registry: iana.Embedded()}, nil
	}
	reg, err := readRegistry(ctx, name)
	var syntax *iana.SyntaxError
	if errors.As(err, &syntax) {
		err = withHint(err, "a registry is an edition as IANA publishes it, in XML, CSV, text or HTML, also gzip, or the word embedded")
	}
	return chosen{Registry: reg, path: name}, err
}

// readRegistry is edition.Open that waits for a pipe until ctx is done.
func readRegistry(ctx context.Context, name string) (*iana.Registry, error) {
	f, err := openSide(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	defer f.Close()
	return edition.Read(f, name)
}

// pinned reports that an edition was installed to be used although it is older than
// the embedded one.
func pinned(dir string, ed iana.Edition) bool {
	sum, err := os.ReadFile(filepath.Join(dir, pinName))
	return err == nil && strings.TrimSpace(string(sum)) == ed.SHA256
}

// updatedRegistry gives the edition that `registry update` installed, or none
// if there is none that is newer than the embedded one.
func updatedRegistry() (chosen, error) {
	dir, err := dataFolder()
	if err != nil {
		return chosen{}, nil // without a home, nothing was installed
	}
	c := chosen{path: filepath.Join(dir, compactName), updated: true}
	c.Registry, err = iana.OpenCompact(c.path)
	if err != nil {
		// Not there, damaged, or of another version of the program.
		c.path = filepath.Join(dir, publishedName)
		c.Registry, err = edition.Open(c.path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return chosen{}, nil // the folder of another user is none of ours
	case err != nil:
		return chosen{}, err
	case c.Edition().Date < iana.Embedded().Edition().Date && !pinned(dir, c.Edition()):
		return chosen{}, nil
	}
	if err := update.CheckDate(c.Edition().Date, time.Now()); err != nil {
		return chosen{}, fmt.Errorf("%s: %w", c.path, err)
	}
	return c, nil
}

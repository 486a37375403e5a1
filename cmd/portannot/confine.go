package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/sandbox"
	"github.com/portannot/portannot/cmd/internal/outfile"
)

// ownProcess says that the process does nothing but this run, and may give up its
// rights for good. A test that calls run has other work to do after it.
var ownProcess = false

// rightsOptions are the flags of runs that give up their rights.
type rightsOptions struct {
	user    string
	verbose bool
}

// confine gives up root for a user, and all that opt does not name. It is for
// runs that read for long what strangers send, and is called when their sockets
// and files are open. For an empty user root stays root.
func (e *env) confine(o rightsOptions, opt sandbox.Options) error {
	if !ownProcess {
		return nil
	}
	say := func(format string, args ...any) {
		if o.verbose {
			e.warnf(format, args...)
		}
	}
	if o.user != "" && os.Geteuid() == 0 {
		kept, err := sandbox.DropPrivileges(o.user, opt)
		switch {
		case errors.Is(err, sandbox.ErrRootNeeded):
			say("privileges not dropped: %v", err)
		case err != nil:
			return withHint(err, "--user '' stays root")
		default:
			say("privileges dropped: now user %s", o.user)
			for _, k := range kept {
				say("privileges kept: %s", k)
			}
		}
	}
	// What the user may not reach, the sandbox cannot allow.
	for _, list := range []*[]string{&opt.Write, &opt.Rename, &opt.Read, &opt.ReadIfAllowed} {
		*list = slices.DeleteFunc(slices.Clone(*list), func(name string) bool {
			_, err := os.Stat(name)
			return err != nil
		})
	}
	what, err := sandbox.Apply(opt)
	if err != nil {
		say("sandbox: %v", err) // a kernel without it is no reason to stop
	}
	if len(what) == 0 {
		what = []string{"none"}
	}
	say("sandbox: %s", strings.Join(what, "; "))
	e.notifier.ready()
	return nil
}

// toRead lists what must stay readable for inputs that are opened one after the
// other, or twice: the files, or the folder of one that is not there yet.
func toRead(names []string) (paths []string) {
	for _, name := range names {
		if name == "-" {
			continue
		}
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			name = filepath.Dir(name)
		}
		if !slices.Contains(paths, name) {
			paths = append(paths, name)
		}
	}
	return paths
}

// toFollow lists what must stay readable for files whose names are given to other
// files, and for patterns: their folders, and those of files behind symbolic links.
func toFollow(names []string) (folders []string) {
	for _, name := range names {
		folder := filepath.Dir(name)
		for capture.IsPattern(folder) {
			folder = filepath.Dir(folder)
		}
		for _, f := range []string{folder, filepath.Dir(resolved(name))} {
			if !capture.IsPattern(f) && !slices.Contains(folders, f) {
				folders = append(folders, f)
			}
		}
	}
	return folders
}

// toRename lists the folders in which the finished files get their names.
func toRename(files ...*outfile.File) (folders []string) {
	for _, f := range files {
		if f == nil || f.Folder() == "" || slices.Contains(folders, f.Folder()) {
			continue
		}
		folders = append(folders, f.Folder())
	}
	return folders
}

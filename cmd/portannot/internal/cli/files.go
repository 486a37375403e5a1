package cli

import (
	"slices"

	"github.com/spf13/pflag"
)

// NamedFile is a file that a command line names.
type NamedFile struct {
	Flag   string // "--policy", "-r"; empty for an argument
	Path   string // as given: also a pattern, a folder, an address or "-"
	Output bool   // it is written
}

func (f NamedFile) String() string {
	if f.Flag == "" {
		return f.Path
	}
	return f.Flag + " " + f.Path
}

// Files lists the files that flags and arguments name, as the table says which
// they are. fs is what Parse gave.
func (c *Command) Files(fs *pflag.FlagSet) []NamedFile {
	var all []NamedFile
	for _, f := range c.Flags() {
		if !f.Takes.isFile() || !fs.Changed(f.Long) {
			continue
		}
		v := fs.Lookup(f.Long).Value
		paths := []string{v.String()}
		if list, ok := v.(pflag.SliceValue); ok {
			paths = list.GetSlice()
		}
		for _, p := range paths {
			if !slices.Contains(f.Words, p) {
				all = append(all, NamedFile{spelling(&f), p, f.Takes == Output})
			}
		}
	}
	if c.Args.isFile() {
		for _, p := range fs.Args() {
			all = append(all, NamedFile{"", p, c.Args == Output})
		}
	}
	return all
}

// spelling is how most people write a flag.
func spelling(f *Flag) string {
	all := f.Spellings()
	return all[len(all)-1]
}

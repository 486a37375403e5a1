package main

import (
	"bufio"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/iana"
)

// version is the program's version where the build sets it:
//
//	go build -ldflags "-X main.version=v1.2.3" ./cmd/portannot
//
// Else it is what the go command noted of the module and its source control.
var version string

const versionHelp = `portannot version prints the version of the program, and the edition of the
registry that it uses.

Usage:
  portannot version [flags]

Flags:
  -o, --output FORMAT     text (default) or json
      --registry FILE     registry edition in any form that IANA publishes, or
                          "embedded"
  -h, --help              print this help

Examples:
  portannot version
  portannot version -o json
`

// versionOptions are the flags of version, as given.
type versionOptions struct {
	output   string
	registry string
}

func (o *versionOptions) flags(e *env) *pflag.FlagSet {
	fs := e.newFlags("version", versionHelp)
	fs.StringVarP(&o.output, "output", "o", "text", "")
	fs.StringVar(&o.registry, "registry", "", "")
	return fs
}

// programVersion is what version prints, as JSON.
type programVersion struct {
	Version  string       `json:"version"`
	Revision string       `json:"revision,omitempty"` // of the source; "+changes" behind it where files were changed
	Time     string       `json:"time,omitempty"`     // of the revision
	Go       string       `json:"go"`
	Platform string       `json:"platform"`
	Registry iana.Edition `json:"registry"`
}

func runVersion(_ context.Context, e *env, args []string) error {
	var o versionOptions
	fs := o.flags(e)
	if err := parseReport(fs, args, &o.output); err != nil {
		return err
	}
	reg, err := chooseRegistry(o.registry)
	if err != nil {
		return err
	}
	v := thisVersion()
	v.Registry = reg.Edition()
	return buffered(e.stdout, func(w *bufio.Writer) error {
		if o.output == "json" {
			_, err := w.Write(append(marshal(&v), '\n'))
			return err
		}
		fmt.Fprintf(w, "portannot %s\n", v.Version)
		if v.Revision != "" {
			fmt.Fprintf(w, "  revision  %s %s\n", v.Revision, v.Time)
		}
		fmt.Fprintf(w, "  built by  %s for %s\n", v.Go, v.Platform)
		ed := &v.Registry
		how := ed.Form
		if reg.updated {
			how = "updated"
		}
		fmt.Fprintf(w, "  registry  edition %s, %s, %d records\n", orNone(ed.Date), how, ed.Records)
		fmt.Fprintf(w, "  source    %s\n", ed.Source)
		_, err := fmt.Fprintf(w, "  sha256    %s\n", orNone(ed.SHA256))
		return err
	})
}

// thisVersion says what the build knows of the program.
func thisVersion() programVersion {
	v := programVersion{
		Version:  version,
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if ok {
		if v.Version == "" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Revision = s.Value + v.Revision
			case "vcs.time":
				v.Time = s.Value
			case "vcs.modified":
				if s.Value == "true" {
					v.Revision += "+changes"
				}
			}
		}
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	return v
}

// parseReport parses the flags of a command that takes no arguments and reports
// as text or as JSON; output is where its flag for the format is kept.
func parseReport(fs *pflag.FlagSet, args []string, output *string) error {
	if err := parse(fs, args); err != nil {
		return err
	}
	if err := noArguments(fs); err != nil {
		return err
	}
	return textOrJSON(*output)
}

// noArguments refuses arguments of a command that has none.
func noArguments(fs *pflag.FlagSet) error {
	if fs.NArg() > 0 {
		return usagef("", "unexpected argument %q", fs.Arg(0))
	}
	return nil
}

// textOrJSON checks --output of a command that has these two formats.
func textOrJSON(format string) error {
	if format != "text" && format != "json" {
		return usagef("", "unknown output format %q: want text or json", format)
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

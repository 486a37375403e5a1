package main

import (
	"bufio"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// version is the program's version where the build sets it:
//
//	go build -ldflags "-X main.version=v1.2.3" ./cmd/portannot
//
// Else it is what the go command noted of the module and its source control.
var version string

// versionOptions are the flags of version, as given.
type versionOptions struct {
	output   string
	registry string
}

func (e *env) versionCommand() *cli.Command {
	o := new(versionOptions)
	return &cli.Command{
		Name:  "version",
		Short: "print the version",
		About: `portannot version prints the version of the program, and the edition of the
registry that it uses.`,
		Usage: "portannot version [flags]",
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			reportFormatFlag(&o.output),
			registryFlag(&o.registry),
		}}},
		Examples: []string{
			"portannot version",
			"portannot version -o json",
		},
		Run: func(ctx context.Context, _ *pflag.FlagSet) error { return o.run(ctx, e) },
	}
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

func (o *versionOptions) run(ctx context.Context, e *env) error {
	reg, err := chooseRegistry(ctx, o.registry)
	if err != nil {
		return err
	}
	v := thisVersion()
	v.Registry = reg.Edition()
	return buffered(e.textOutput(o.output), func(w *bufio.Writer) error {
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

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
	"github.com/portannot/portannot/annotate/iana/edition/update"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// updateOptions are the flags of registry update, as given.
type updateOptions struct {
	from     string
	output   string
	revised  bool
	color    string
	older    bool
	embedded bool
	registry string
}

func (e *env) updateCommand() *cli.Command {
	o := new(updateOptions)
	return &cli.Command{
		Name:  "update",
		Short: "fetch the newest edition and use it",
		About: `portannot registry update fetches the newest edition of the registry, checks
it, installs it in your data folder and shows what changed. Later runs use it,
and say so. --embedded goes back to the embedded edition, --registry embedded
does for one run.`,
		Usage: "portannot registry update [flags]",
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			cli.String(&o.from, "from", "", "WHERE", update.DefaultURL,
				"address or file of the edition; an address is https, or http on this machine; default is the XML of IANA's own page,\niana.org/assignments/service-names-port-numbers").Of(cli.File),
			outputFlag(&o.output, "text", []string{"text", "json"}, "text (default) or json, one object a line"),
			revisedFlag(&o.revised),
			colorFlag(&o.color),
			cli.Switch(&o.older, "allow-older", "", false, "install and use an edition also if it is older than the one in use"),
			cli.Switch(&o.embedded, "embedded", "", false, "remove what is installed and use the embedded edition"),
			registryFlag(&o.registry),
		}}},
		After: `With --registry, the changes are shown from that edition, instead of from the
one in use.

The edition must be whole, of a likely size, not older than the one in use, and
not dated in the future. --allow-older installs an older one, which stays in
use until the next update. An edition is installed whole or not at
all, in $XDG_DATA_HOME/portannot, or else
  ~/.local/share/portannot                 Linux and other Unix systems
  ~/Library/Application Support/portannot  macOS
  %LocalAppData%\portannot                 Windows`,
		Examples: []string{
			"portannot registry update",
			"portannot registry update --from service-names-port-numbers.xml",
			"portannot registry update --embedded",
		},
		Run: func(ctx context.Context, _ *pflag.FlagSet) error { return o.run(ctx, e) },
	}
}

func (o *updateOptions) run(ctx context.Context, e *env) error {
	dir, err := dataFolder()
	if err != nil {
		return err
	}
	if o.embedded {
		return o.remove(e, dir)
	}
	old, err := openRegistry(ctx, o.registry)
	if err != nil && o.registry == "" {
		// What is installed is damaged: that is a reason to update.
		old, err = iana.Embedded(), nil
	}
	if err != nil {
		return err
	}
	reg, data, err := o.fetch(ctx, e)
	if err != nil {
		return err
	}
	updater := update.Updater{Path: filepath.Join(dir, publishedName), AllowOlder: o.older}
	up, err := updater.Install(reg, data)
	if errors.Is(err, update.ErrOlder) {
		return withHint(err, "--allow-older installs it; --registry FILE uses it for one run")
	}
	if err != nil {
		return err
	}
	if err := installCompact(filepath.Join(dir, compactName), reg); err != nil {
		return err
	}
	if err := pinOlder(dir, reg.Edition(), o.older); err != nil {
		return err
	}
	d := diff{old: old.Edition(), new: reg.Edition(), changes: edition.Compare(old, reg), revised: o.revised, paint: paint(useColor(o.color, e.stdout))}
	if err := buffered(e.textOutput(o.output), func(w *bufio.Writer) error { return d.write(w, o.output) }); err != nil {
		return err
	}
	switch own := iana.Embedded().Edition().Date; {
	case !up.Written:
		e.warnf("edition %s was installed already, in %s", up.New.Date, dir)
	case up.New.Date < own && !o.older:
		e.warnf("installed edition %s in %s, but the embedded edition %s is newer and stays in use", up.New.Date, dir, own)
	default:
		e.warnf("installed edition %s in %s", up.New.Date, dir)
	}
	return nil
}

// remove goes back to the embedded edition.
func (o *updateOptions) remove(e *env, dir string) error {
	removed := false
	for _, name := range []string{compactName, publishedName, pinName} {
		err := os.Remove(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove registry: %w", err)
		}
		removed = removed || err == nil
	}
	what := "no edition was installed"
	if removed {
		what = "removed the installed edition"
	}
	e.warnf("%s: the embedded edition %s is in use", what, iana.Embedded().Edition().Date)
	return nil
}

// pinOlder notes that an edition is to be used although the embedded one is newer,
// or that none is.
func pinOlder(dir string, ed iana.Edition, older bool) error {
	path := filepath.Join(dir, pinName)
	if older && ed.Date < iana.Embedded().Edition().Date {
		return outfile.WriteFile(path, func(w *outfile.File) error {
			_, err := io.WriteString(w, ed.SHA256+"\n")
			return err
		})
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("install registry: %w", err)
	}
	return nil
}

// fetch gets the edition from an address or a file.
func (o *updateOptions) fetch(ctx context.Context, e *env) (*iana.Registry, []byte, error) {
	if strings.Contains(o.from, "://") {
		if isTerminal(e.stderr) {
			e.warnf("fetching %s", o.from)
		}
		reg, data, err := update.Fetch(ctx, nil, o.from)
		return reg, data, withHint(err, "--from takes a file too, fetched by other means")
	}
	f, err := openSide(ctx, o.from)
	if err != nil {
		return nil, nil, fmt.Errorf("open registry: %w", err)
	}
	defer f.Close()
	data, err := update.Read(f, o.from)
	if err != nil {
		return nil, nil, fmt.Errorf("open registry: %w", err)
	}
	reg, err := edition.Read(bytes.NewReader(data), o.from)
	return reg, data, err
}

// installCompact writes the form of an edition that opens at once, unless it is
// there. An edition with records that the program does not understand has none,
// and is read from what was published.
func installCompact(path string, reg *iana.Registry) error {
	if there, err := iana.OpenCompact(path); err == nil && there.Edition().SHA256 == reg.Edition().SHA256 {
		return nil
	}
	var b bytes.Buffer
	if err := reg.WriteCompact(&b); err != nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("install registry: %w", err)
		}
		return nil
	}
	return outfile.WriteFile(path, func(w *outfile.File) error {
		_, err := b.WriteTo(w)
		return err
	})
}

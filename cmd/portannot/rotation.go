package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/cmd/internal/rotate"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// rotationOptions are the flags on files of runs that go on, as given.
type rotationOptions struct {
	records  string // the file for flows
	rotate   string
	keep     int
	compress string
	size     string // as tcpdump
	seconds  int
	count    int
}

// recordsFlag names a file for what goes to standard output otherwise.
func recordsFlag(p *string) cli.Flag {
	return cli.String(p, "output-file", "", "FILE", "", "write the flows to a file instead of standard output").Of(cli.Output)
}

// rotationFlags say when files are closed.
func rotationFlags(o *rotationOptions) []cli.Flag {
	return []cli.Flag{
		cli.String(&o.rotate, "rotate", "", "LIMIT", "",
			"begin a new file after a time, before a size is passed, or both: 1h, 100MB, 1h,100MB; the closed one gets the time of its beginning into its name: flows-20261201T093000.000Z.json"),
		cli.Int(&o.keep, "keep", "", "N", 0, "with --rotate, keep N closed files: the oldest are removed, those of earlier runs too; default all"),
		cli.Choice(&o.compress, "compress", "", "FORMAT", "", []string{"gzip", "zstd"}, "compress closed files: gzip or zstd"),
	}
}

// tcpdumpFlags say the same of -w in the way of tcpdump.
func tcpdumpFlags(o *rotationOptions) []cli.Flag {
	return []cli.Flag{
		cli.Int(&o.seconds, "rotate-seconds", "G", "SECONDS", 0,
			"as tcpdump: begin a new file of -w every SECONDS; the name may have the time in the way of strftime, %Y%m%d-%H%M%S"),
		cli.String(&o.size, "rotate-size", "C", "MB", "",
			"as tcpdump: begin a new file of -w before it has more than MB millions of bytes, or 64k, 100m, 1g of 1,024; the next ones have 1, 2 ... behind the name"),
		cli.Int(&o.count, "rotate-count", "W", "N", 0,
			"as tcpdump: with -C, write N files in turn; with -G alone, end after N files"),
	}
}

// given reports that a flag about files that are closed was given.
func (o *rotationOptions) given(fs *pflag.FlagSet) string {
	for _, name := range []string{"rotate", "keep", "compress", "rotate-seconds", "rotate-size", "rotate-count"} {
		if fs.Changed(name) {
			return name
		}
	}
	return ""
}

// check gives when files are closed: flows for the file of records, packets for -w.
func (o *rotationOptions) check(fs *pflag.FlagSet, write string) (flows, packets rotate.Options, err error) {
	fail := func(hint, format string, args ...any) (rotate.Options, rotate.Options, error) {
		return rotate.Options{}, rotate.Options{}, usagef(hint, format, args...)
	}
	changed := func(name string) bool { return fs.Lookup(name) != nil && fs.Changed(name) }
	if changed("rotate") {
		if flows.Every, flows.Size, err = rotate.ParseLimits(o.rotate); err != nil {
			return fail("", "--rotate %v", err)
		}
	}
	if o.keep < 0 || changed("keep") && o.keep == 0 {
		return fail("without the flag, all are kept", "--keep %d: want at least 1", o.keep)
	}
	flows.Keep, flows.Compress = o.keep, o.compress
	packets = flows
	tcpdump := changed("rotate-seconds") || changed("rotate-size")
	if tcpdump {
		switch {
		case changed("rotate"):
			return fail("-G and -C are for -w alone, --rotate for all files", "both --rotate and -G or -C: want one of them")
		case o.keep > 0:
			return fail("-W is for -C", "--keep is for --rotate")
		case write == "" || write == "-":
			return fail("", "-G and -C need -w FILE")
		case changed("rotate-seconds") && o.seconds < 1:
			return fail("", "-G %d: want at least 1 second", o.seconds)
		case o.count < 0 || changed("rotate-count") && o.count == 0:
			return fail("", "-W %d: want at least 1 file", o.count)
		}
		packets.Every = time.Duration(o.seconds) * time.Second
		if changed("rotate-size") {
			if packets.Size, err = rotate.ParseFileSize(o.size); err != nil {
				return fail("", "-C %v", err)
			}
		}
		packets.Tcpdump = &rotate.Tcpdump{Count: o.count}
	}
	switch {
	case changed("rotate-count") && !tcpdump:
		return fail("", "-W needs -C or -G")
	case changed("rotate") && o.records == "" && (write == "" || write == "-"):
		return fail("name a file, --output-file FILE"+orWrite(fs), "--rotate: standard output is no file")
	case o.keep > 0 && !changed("rotate"):
		return fail("--rotate 1h, --rotate 100MB", "--keep needs --rotate")
	case o.compress != "" && !packets.Rotates():
		return fail("--rotate 1h, --rotate 100MB", "--compress is for closed files, and needs --rotate")
	}
	return flows, packets, nil
}

func orWrite(fs *pflag.FlagSet) string {
	if fs.Lookup("write") != nil {
		return " or -w FILE"
	}
	return ""
}

// outputs are the files that a run that goes on writes.
type outputs struct {
	env    *env
	reopen *requests
	files  []*rotate.File
	flags  []string // of files
	stops  []func()
	rotate bool // one of them is rotated
}

func (e *env) newOutputs() *outputs { return &outputs{env: e, reopen: listenTo(reopenSignal)} }

// open opens the file that a flag names. For what is no regular file, such as a named
// pipe, plain is it, and it can be neither rotated nor opened again.
func (o *outputs) open(flag, path string, opt rotate.Options) (file *rotate.File, plain *os.File, err error) {
	file, moved, err := rotate.Open(path, opt)
	switch {
	case errors.Is(err, rotate.ErrNotRegular) && opt.Rotates():
		return nil, nil, usagef("", "%s %s: only regular files are rotated", flag, path)
	case errors.Is(err, rotate.ErrNotRegular):
		if plain, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
		return nil, plain, err
	case err != nil:
		return nil, nil, err
	}
	if moved != "" {
		o.env.warnf("%s %s: the older file is now %s", flag, path, moved)
	}
	o.files, o.flags = append(o.files, file), append(o.flags, flag)
	o.rotate = o.rotate || opt.Rotates()
	o.stops = append(o.stops, o.env.watch(file.Report))
	return file, nil, nil
}

// folders are those in which files are made while the run goes on.
func (o *outputs) folders() (list []string) {
	if o.rotate || reopenSignal != nil {
		for _, f := range o.files {
			list = append(list, f.Folder())
		}
	}
	return list
}

// check fails if a next file could not be made. It is called when root is given up.
func (o *outputs) check() error {
	for _, f := range o.files {
		if o.rotate {
			if err := f.CheckFolder(); err != nil {
				return withHint(err, "files are made after root was given up; --user NAME names another user, --user '' stays root")
			}
		}
	}
	return nil
}

// tick is called about once a second. done asks for the end of the run.
func (o *outputs) tick() (done bool) {
	reopen := o.reopen.asked()
	now := time.Now()
	for _, f := range o.files {
		if reopen {
			f.Reopen()
		}
		done = f.Tick(now) || done
	}
	return done
}

// everySecond calls tick until the function that it returns is called.
func (o *outputs) everySecond() (stop func()) {
	if len(o.files) == 0 {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				o.tick()
			}
		}
	}()
	return func() { close(done); <-gone }
}

// close closes all. Its error says what was lost.
func (o *outputs) close() error {
	o.reopen.stop()
	for _, stop := range o.stops {
		stop()
	}
	o.stops = nil
	var errs []error
	for _, f := range o.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// summary says what was written.
func (o *outputs) summary() {
	for _, f := range o.files {
		a := f.Account()
		o.env.warnf("wrote %s to %s, in %s", plural(a.Records-a.Lost, f.Unit()), f.Path(), plural(a.Files, "file"))
	}
}

// metrics shows the files of a run.
func (o *outputs) metrics(w *metrics.Writer) {
	const p = "portannot_output_"
	for i, f := range o.files {
		a, flag := f.Account(), o.flags[i]
		w.Counter(p+"records_total", "Packets, flows or lines that were given to the file of a flag, those that are lost included.", a.Records, "flag", flag)
		w.Counter(p+"lost_total", "Those of them that could not be written.", a.Lost, "flag", flag)
		w.Counter(p+"files_total", "Files opened.", a.Files, "flag", flag)
		for _, k := range []struct {
			kind string
			n    uint64
		}{{"write", a.Write}, {"rotate", a.Rotate}, {"compress", a.Compress}, {"remove", a.Remove}} {
			w.Counter(p+"errors_total", "Failures, by what was tried; a write that fails is tried again.", k.n, "flag", flag, "kind", k.kind)
		}
	}
}

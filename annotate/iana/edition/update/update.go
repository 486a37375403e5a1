// Package update fetches editions of the port number registry and installs them in
// a file.
//
// IANA changes the registry a few times a week at one address and keeps no older
// edition there. So an update always fetches a whole edition. It is compared with
// the installed one, and is installed only if it is complete, of a plausible size
// and not older. The file is replaced atomically: a program that opens it reads
// the old edition or the new one, never a part.
//
// It is a package of its own so that a program that only looks up ports or
// reads files does not contain an HTTP client.
package update

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
)

// DefaultURL is the official address of the registry as XML, the form from which
// IANA makes the others.
const DefaultURL = "https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xml"

// Limits on an update.
const (
	timeout      = 2 * time.Minute // for the whole transfer, with the default client
	maxRedirects = 5
	maxBytes     = 64 << 20 // of a transfer; edition.Read takes no more either
)

// ErrOlder is the error for an update that found an older edition than the
// installed one.
var ErrOlder = errors.New("an older edition than the one in use")

// An Updater fetches an edition of the registry and installs it in a file.
type Updater struct {
	// URL is the address to fetch from: see Fetch. Empty means DefaultURL.
	URL string
	// Path is the file to write. Its folder is created if it does not exist.
	Path string
	// Client makes the request. Nil means a client with a time limit of two
	// minutes for the whole transfer.
	Client *http.Client
	// AllowOlder allows an edition that is older than the installed one.
	AllowOlder bool
}

// Result describes what an update did.
type Result struct {
	Old, New iana.Edition
	// Changes are those from the old to the new edition.
	Changes []edition.Change
	// Written reports whether the file was written. It is not written if it has
	// the same content already.
	Written bool
}

// Update fetches an edition as [Fetch] does, then installs it as [Updater.Install]
// does.
func (u *Updater) Update(ctx context.Context) (Result, error) {
	address := u.URL
	if address == "" {
		address = DefaultURL
	}
	reg, data, err := Fetch(ctx, u.Client, address)
	if err != nil {
		return Result{}, err
	}
	return u.Install(reg, data)
}

// Install checks an edition and writes data, from which it was read, to the file.
// After an error the file is as it was before.
//
// The edition must have a date that is not in the future, cover all ports, and have at
// least nine tenths of as many records as the embedded edition. It is compared with the
// edition in the file, or with the embedded edition if there is no file or it is damaged.
// If it is older than that, the error is [ErrOlder] unless AllowOlder is set.
func (u *Updater) Install(reg *iana.Registry, data []byte) (Result, error) {
	from := reg.Edition().Source
	if err := plausible(reg); err != nil {
		return Result{}, fmt.Errorf("update registry from %s: %w", from, err)
	}

	old := iana.Embedded()
	installed, err := edition.Open(u.Path)
	var damaged *iana.SyntaxError
	switch {
	case err == nil && CheckDate(installed.Edition().Date, time.Now()) == nil:
		old = installed
	case err == nil:
		installed = nil // its date would be in the way
	case !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &damaged):
		return Result{}, err
	}
	up := Result{Old: old.Edition(), New: reg.Edition()}
	if up.New.Date < up.Old.Date && !u.AllowOlder {
		return Result{}, fmt.Errorf("update registry from %s: %w: %s before %s", from, ErrOlder, up.New.Date, up.Old.Date)
	}
	up.Changes = edition.Compare(old, reg)
	if installed != nil && up.New.SHA256 == up.Old.SHA256 {
		return up, nil
	}
	if err := writeFile(u.Path, data); err != nil {
		return Result{}, fmt.Errorf("install registry: %w", err)
	}
	up.Written = true
	return up, nil
}

// plausible checks that a registry is whole and of a likely size.
func plausible(reg *iana.Registry) error {
	ed := reg.Edition()
	if !reg.Coverage().Complete() {
		return fmt.Errorf("not a whole edition: it covers ports %v only", reg.Coverage().Span)
	}
	if least := iana.Embedded().Edition().Records * 9 / 10; ed.Records < least {
		return fmt.Errorf("not a whole edition: %d records, want %d or more", ed.Records, least)
	}
	return CheckDate(ed.Date, time.Now())
}

// CheckDate checks that an edition's date is valid and not in the future: an
// edition from the future would prevent the installation of later ones. If now
// is before the date of the embedded edition, the clock is wrong, and CheckDate
// ignores it.
func CheckDate(date string, now time.Time) error {
	if date == "" {
		return errors.New("the edition has no date")
	}
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return fmt.Errorf("the date of the edition is %.40q: want YYYY-MM-DD", date)
	}
	today := now.UTC().Format(time.DateOnly)
	// A day more, for dates are of no time zone.
	if today >= iana.Embedded().Edition().Date && day.After(now.UTC().AddDate(0, 0, 1)) {
		return fmt.Errorf("the edition is of %s, and today is %s", date, today)
	}
	return nil
}

// Fetch fetches an edition from an address and reads it. It returns the registry
// and the data from which it was read, decompressed if the transfer was compressed.
// If client is nil, Fetch uses one with a time limit of two minutes.
//
// The address is an https URL, or "file:///path" for a file. A plain http URL is
// allowed for localhost and loopback addresses only. Fetch follows at most five
// redirections, and none from https to another scheme. It takes at most 64 MiB.
func Fetch(ctx context.Context, client *http.Client, address string) (*iana.Registry, []byte, error) {
	data, err := fetch(ctx, client, address)
	if err != nil {
		return nil, nil, fmt.Errorf("fetch registry: %w", err)
	}
	reg, err := edition.Read(bytes.NewReader(data), address)
	if err != nil {
		return nil, nil, fmt.Errorf("fetch registry: %w", err)
	}
	return reg, data, nil
}

// Read reads an edition, at most 64 MiB of it. name is that of the file, for errors.
func Read(r io.Reader, name string) ([]byte, error) {
	data, err := readBounded(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

func fetch(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "file" && (u.Host == "" || u.Host == "localhost") {
		return readLocal(u.Path)
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	own := http.Client{Timeout: timeout}
	if client != nil {
		own = *client
	}
	follow := own.CheckRedirect
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirections", maxRedirects)
		}
		if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return fmt.Errorf("redirected from HTTPS to %s", req.URL.Redacted())
		}
		if err := checkURL(req.URL); err != nil {
			return err
		}
		if follow != nil {
			return follow(req, via)
		}
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "portannot (registry update)")
	resp, err := own.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: server answers %s", u.Redacted(), resp.Status)
	}
	// A body shorter than its announced length is an error of the reader.
	data, err := readBounded(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", u.Redacted(), err)
	}
	return data, nil
}

// readLocal reads the file of an address such as "file:///C:/path".
func readLocal(path string) ([]byte, error) {
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	path = filepath.FromSlash(path)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f, path)
}

func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err == nil && len(data) > maxBytes {
		return nil, fmt.Errorf("larger than %d MiB", maxBytes>>20)
	}
	return data, err
}

// checkURL refuses what anyone on the way could change.
func checkURL(u *url.URL) error {
	switch {
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("%s: plain HTTP is allowed from this machine only: use https", u.Redacted())
	}
	return fmt.Errorf("%s: not an https address", u.Redacted())
}

// isLoopback does not look names up: only "localhost" is known to stay here.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// writeFile replaces a file at once: whoever opens it finds the old content or
// the new, never a part.
func writeFile(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".registry-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	// Without this, a loss of power could leave the new name with no content.
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

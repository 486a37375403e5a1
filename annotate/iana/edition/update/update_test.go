package update

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
	"github.com/portannot/portannot/annotate/iana/export"
)

const csvHead = "Service Name,Port Number,Transport Protocol,Description\n"

// embeddedCSV is a whole edition for tests without the published ones. As a
// CSV, its date is that of its newest record.
func embeddedCSV(t testing.TB, change func(*iana.Record)) []byte {
	t.Helper()
	var records []iana.Record
	for r := range iana.Embedded().Records() {
		if change != nil {
			change(&r)
		}
		records = append(records, r)
	}
	reg, err := iana.NewRegistry(iana.Edition{Date: "2026-01-01", Source: "test", Form: "xml"}, records, iana.AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := export.WriteCSV(&b, reg); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// newer is an edition in which 11434 has another name and 4799 is assigned,
// of the day after the embedded edition. It must not be changed.
func newer(t testing.TB) []byte {
	t.Helper()
	newerOnce.Do(func() {
		csv := embeddedCSV(t, func(r *iana.Record) {
			if r.Name == "ollama" {
				r.Name, r.Modified = "ollama2", newerDate()
			}
		})
		newerEdition = append(csv, "brandnew,4799,sctp,Brand New,,,"+newerDate()+",,,,,,\n"...)
	})
	return newerEdition
}

var (
	newerOnce    sync.Once
	newerEdition []byte
)

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return s
}

// leftovers fails the test if the folder holds more than the named files.
func leftovers(t *testing.T, dir string, names ...string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, f := range list {
		found := false
		for _, n := range names {
			found = found || f.Name() == n
		}
		if !found {
			t.Errorf("left in the folder: %s", f.Name())
		}
	}
}

func TestUpdate(t *testing.T) {
	body := newer(t)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.UserAgent(), "portannot") {
			t.Errorf("user agent %q", r.UserAgent())
		}
		w.Write(body)
	})
	dir := filepath.Join(t.TempDir(), "a", "b")
	u := Updater{Client: s.Client(), URL: s.URL + "/registry", Path: filepath.Join(dir, "registry.xml")}

	up, err := u.Update(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !up.Written || up.Old != iana.Embedded().Edition() || up.New.Date != newerDate() || up.New.Source != u.URL || up.New.Records != up.Old.Records+1 {
		t.Errorf("%+v", up)
	}
	want := []string{
		"4799/sctp: added: brandnew (Brand New)",
		"11434/tcp: renamed: ollama, now ollama2",
	}
	if got := fmt.Sprint(up.Changes); got != fmt.Sprint(want) {
		t.Errorf("changes %s, want %s", got, want)
	}
	leftovers(t, dir, "registry.xml")
	if data, err := os.ReadFile(u.Path); err != nil || !bytes.Equal(data, body) {
		t.Errorf("the file is not what was sent: %v", err)
	}
	reg, err := edition.Open(u.Path)
	if err != nil {
		t.Fatal(err)
	}
	if e := reg.Lookup(iana.SCTP, 4799); e.Name() != "brandnew" {
		t.Errorf("4799/sctp is %q", e.Names())
	}

	// The same again writes nothing, and the old edition is that of the file.
	up, err = u.Update(context.Background())
	if err != nil || up.Written || len(up.Changes) != 0 || up.Old.Source != u.Path || up.Old.SHA256 != up.New.SHA256 {
		t.Errorf("%+v %v", up, err)
	}

	// An older one only when asked for.
	body = embeddedCSV(t, nil)
	if _, err := u.Update(context.Background()); !errors.Is(err, ErrOlder) {
		t.Errorf("older edition: %v", err)
	}
	u.AllowOlder = true
	if up, err = u.Update(context.Background()); err != nil || !up.Written || len(up.Changes) != 2 {
		t.Errorf("%+v %v", up, err)
	}

	// A damaged file does not stand in the way.
	if err := os.WriteFile(u.Path, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if up, err = u.Update(context.Background()); err != nil || !up.Written || up.Old.Form != "embedded" {
		t.Errorf("%+v %v", up, err)
	}
	leftovers(t, dir, "registry.xml")
}

func TestUpdateCompressed(t *testing.T) {
	body := newer(t)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".gz") { // the file is compressed
			w.Header().Set("Content-Type", "application/gzip")
		} else { // the transfer is
			w.Header().Set("Content-Encoding", "gzip")
		}
		zw := gzip.NewWriter(w)
		zw.Write(body)
		zw.Close()
	})
	for _, path := range []string{"/r", "/r.gz"} {
		u := Updater{Client: s.Client(), URL: s.URL + path, Path: filepath.Join(t.TempDir(), "r")}
		if up, err := u.Update(context.Background()); err != nil || !up.Written {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := edition.Open(u.Path); err != nil {
			t.Error(err)
		}
	}
}

func TestUpdateRefuses(t *testing.T) {
	whole := newer(t)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(whole) }))
	t.Cleanup(plain.Close)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/truncated":
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			w.Write(whole[:len(whole)/2])
		case "/cut": // complete for HTTP, but not the whole file
			w.Write(whole[:len(whole)/2])
		case "/aborted":
			w.Write(whole[:len(whole)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/html":
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<html><body>Sign in to the hotel's network</body></html>"))
		case "/error":
			http.Error(w, "down", http.StatusServiceUnavailable)
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		case "/excerpt":
			w.Write([]byte(csvHead + "a,80,tcp,d\n"))
		case "/few":
			w.Write([]byte(csvHead + "a,0,tcp,d\n,1-49151,,Unassigned\n"))
		case "/undated":
			w.Write(embeddedCSV(t, func(r *iana.Record) { r.Registered, r.Modified = "", "" }))
		case "/to-http":
			http.Redirect(w, r, plain.URL, http.StatusFound)
		case "/to-file":
			http.Redirect(w, r, "file:///etc/services", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/large":
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			for range maxBytes>>20 + 1 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}
	})
	dir := t.TempDir()
	path := filepath.Join(dir, "registry")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ url, want string }{
		{s.URL + "/truncated", "unexpected EOF"},
		{s.URL + "/cut", "cut"},
		{s.URL + "/aborted", ""},
		{s.URL + "/html", "no table with the headings of the port number registry"},
		{s.URL + "/error", "server answers 503 Service Unavailable"},
		{s.URL + "/nothing", "server answers 204 No Content"},
		{s.URL + "/excerpt", "not a whole edition: it covers ports 80 only"},
		{s.URL + "/few", "not a whole edition: 2 records, want 13079 or more"},
		{s.URL + "/undated", "the edition has no date"},
		{s.URL + "/to-http", "redirected from HTTPS to http://"},
		{s.URL + "/to-file", "redirected from HTTPS to file:///etc/services"},
		{s.URL + "/loop", "more than 5 redirections"},
		{s.URL + "/large", "larger than 64 MiB"},
		{"http://192.0.2.1/x", "plain HTTP is allowed from this machine only: use https"},
		{"http://localhost.example.com/x", "plain HTTP is allowed from this machine only: use https"},
		{"ftp://192.0.2.1/x", "not an https address"},
		{"https:///x", "not an https address"},
		{"registry.xml", "not an https address"},
		{"https://user:secret@127.0.0.1:1/x", ""},
		{":", ""},
	} {
		if testing.Short() && strings.HasSuffix(c.url, "/large") {
			continue // 64 MiB through TLS, which the race detector makes slow
		}
		u := Updater{Client: s.Client(), URL: c.url, Path: path}
		up, err := u.Update(context.Background())
		if err == nil || !strings.Contains(err.Error(), c.want) || up.Written {
			t.Errorf("%s: %v, want %q", c.url, err, c.want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in the error: %v", c.url, err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
			t.Fatalf("%s: the file was touched: %q %v", c.url, data, err)
		}
	}
	leftovers(t, dir, "registry")

	// A certificate that nobody vouches for.
	strict := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{}}}
	u := Updater{Client: strict, URL: s.URL + "/x", Path: path}
	if _, err := u.Update(context.Background()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("unknown certificate: %v", err)
	}
	// A context that is done.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	u = Updater{Client: s.Client(), URL: s.URL + "/truncated", Path: path}
	if _, err := u.Update(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// A file is allowed, and one that is not there an error.
	local := filepath.Join(dir, "local.csv")
	if err := os.WriteFile(local, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	u = Updater{URL: "file://" + filepath.ToSlash(local), Path: filepath.Join(dir, "from-file")}
	if filepath.VolumeName(local) != "" { // "C:" needs a slash before it
		u.URL = "file:///" + filepath.ToSlash(local)
	}
	if up, err := u.Update(context.Background()); err != nil || !up.Written {
		t.Errorf("file: %v", err)
	}
	u.URL += ".none"
	if _, err := u.Update(context.Background()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	// Plain HTTP from this machine is allowed.
	u = Updater{URL: plain.URL, Path: filepath.Join(dir, "other")}
	if up, err := u.Update(context.Background()); err != nil || !up.Written {
		t.Errorf("loopback: %v", err)
	}
}

// The folder cannot be made: nothing is left behind.
func TestUpdateCannotWrite(t *testing.T) {
	body := newer(t)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Write(body) })
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	u := Updater{Client: s.Client(), URL: s.URL, Path: filepath.Join(file, "registry")}
	if _, err := u.Update(context.Background()); err == nil {
		t.Error("no error")
	}
	leftovers(t, dir, "file")
}

func TestDefaultURL(t *testing.T) {
	if src := iana.Embedded().Edition().Source; src != DefaultURL {
		t.Errorf("the embedded edition comes from %s, updates from %s", src, DefaultURL)
	}
}

// newerDate is the day after the embedded edition's, which does not lie ahead.
func newerDate() string {
	day, err := time.Parse(time.DateOnly, iana.Embedded().Edition().Date)
	if err != nil {
		panic(err)
	}
	return day.AddDate(0, 0, 1).Format(time.DateOnly)
}

func TestCheckDate(t *testing.T) {
	day, err := time.Parse(time.DateOnly, newerDate())
	if err != nil {
		t.Fatal(err)
	}
	for date, ok := range map[string]bool{
		newerDate(): true, day.AddDate(0, 0, 1).Format(time.DateOnly): true, "2010-01-02": true,
		day.AddDate(0, 0, 2).Format(time.DateOnly): false, "9999-12-31": false, "zzzz": false, "": false, "2026": false, "2026-02-30": false,
	} {
		if err := CheckDate(date, day); (err == nil) != ok {
			t.Errorf("%q: %v", date, err)
		}
	}
	if err := CheckDate(newerDate(), day.AddDate(-50, 0, 0)); err != nil {
		t.Errorf("by a clock that is wrong: %v", err)
	}
}

// Package published gives tests the editions of the registry that IANA
// published, where they are at hand: in a folder shared/registry beside the
// repository or above it.
package published

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// The editions, by the names of their files.
const (
	XML2024   = "service-names-port-numbers-2024-03-18.xml.gz"
	CSV2025   = "service-names-port-numbers-2025-03-28.csv.gz"
	XML2026   = "service-names-port-numbers-2026-08-17.xml.gz"
	Text2026  = "service-names-port-numbers-2026-08-17.txt.gz"
	HTML2026  = "service-names-port-numbers-2026-08-17.html.gz"
	Excerpt24 = "iana-excerpt-4665-4740.txt"

	XML2016  = "history/service-names-port-numbers-2016-06-28.xml.gz"
	Text2016 = "history/service-names-port-numbers-2016-06-28.txt.gz"
	XML2019  = "history/service-names-port-numbers-2019-08-26.xml.gz"
	Text2019 = "history/service-names-port-numbers-2019-08-26.txt.gz"
	XML2022  = "history/service-names-port-numbers-2022-07-01.xml.gz"
)

// Path finds the file of an edition, and skips the test if there is none. With
// -short it skips the test for all but the newest edition and the excerpt.
func Path(t testing.TB, name string) string {
	t.Helper()
	if testing.Short() && name != XML2026 && name != Excerpt24 {
		t.Skipf("not with -short: edition %s", name)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", "registry", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skipf("no edition %s beside the repository", name)
		}
		dir = parent
	}
}

// Bytes gives the content of an edition, decompressed.
func Bytes(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) != ".gz" {
		return data
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(zr); err != nil {
		t.Fatal(err)
	}
	return data
}

// Every is the step at which the longest tests go through ports or places: 1,
// or n with -short. That is for the run under the race detector: these tests
// start no goroutine that it could watch, and it makes them ten times as slow.
func Every(n int) int {
	if testing.Short() {
		return n
	}
	return 1
}

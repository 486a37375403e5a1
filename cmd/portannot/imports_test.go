package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/portannot/portannot"

// mayImport is the picture that one should be able to hold in the head: for
// each package of the module, which others of it it may import. Data goes one
// way, from packets and logs through annotate to the renderers, and the
// registry is a leaf. Test files are free to import what they like.
//
// A new package gets a line here, with a thought about its place.
var mayImport = map[string][]string{
	"annotate":                         {"annotate/iana", "annotate/observe", "capture/flow", "capture/packet"},
	"annotate/flowlog":                 {"annotate", "annotate/iana", "annotate/internal/ascii", "annotate/internal/portcache", "annotate/record", "capture/flow", "capture/inorder", "capture/unpack"},
	"annotate/flowlog/kafka":           {"annotate", "annotate/flowlog", "annotate/iana", "annotate/record", "capture/flow"},
	"annotate/flowlog/netflow":         {"annotate", "annotate/flowlog", "annotate/iana", "annotate/internal/ascii", "annotate/record", "capture/flow", "capture/packet"},
	"annotate/iana":                    {},
	"annotate/iana/edition":            {"annotate/iana"},
	"annotate/iana/edition/update":     {"annotate/iana", "annotate/iana/edition"},
	"annotate/iana/export":             {"annotate/iana"},
	"annotate/iana/internal/published": {}, // for tests only
	"annotate/internal/ascii":          {},
	"annotate/internal/flowtest":       {"annotate", "capture/flow", "capture/packet"}, // for tests
	"annotate/internal/portcache":      {"annotate/iana"},
	"annotate/internal/share":          {},
	"annotate/observe":                 {"capture/packet"},
	"annotate/practice":                {"annotate/iana"},
	"annotate/record":                  {"annotate", "annotate/iana", "annotate/internal/ascii", "annotate/internal/portcache", "annotate/observe", "annotate/practice", "capture/flow", "capture/packet"},
	"annotate/render":                  {"annotate", "annotate/iana", "annotate/internal/ascii", "annotate/internal/portcache", "annotate/observe", "annotate/practice", "annotate/record", "annotate/summary", "capture/flow", "capture/inorder", "capture/packet"},
	"annotate/summary":                 {"annotate", "annotate/iana", "annotate/observe", "capture/flow"},
	"annotate/review":                  {"annotate", "annotate/iana", "annotate/internal/share", "annotate/observe", "annotate/practice", "annotate/review/rules", "capture/flow"},
	"annotate/review/report":           {"annotate", "annotate/iana", "annotate/internal/ascii", "annotate/internal/share", "annotate/observe", "annotate/record", "annotate/render", "annotate/review"},
	"annotate/review/rules":            {},
	"capture":                          {"capture/tail", "capture/unpack"},
	"capture/decode":                   {"capture", "capture/packet"},
	"capture/filter":                   {"capture"},
	"capture/flow":                     {"capture/packet"},
	"capture/inorder":                  {},
	"capture/meter":                    {"capture", "capture/decode", "capture/filter", "capture/flow", "capture/inorder", "capture/packet"},
	"capture/packet":                   {},
	"capture/sandbox":                  {},
	"capture/tail":                     {},
	"capture/unpack":                   {},
	"cmd/internal/outfile":             {},
	"cmd/internal/rotate":              {"cmd/internal/outfile"},
	"cmd/portannot":                    {"*"},
	"cmd/portannot/help":               {"cmd/portannot/internal/roff"},
	"cmd/portannot/internal/metrics":   {},
	"cmd/portannot/internal/roff":      {},
	"cmd/portannot-parquet":            {"annotate/record", "cmd/internal/outfile"}, // it reads what portannot prints
	"cmd/portannot/internal/follow":    {"capture/tail", "capture/unpack"},
	"cmd/portannot/internal/cli":       {"cmd/portannot/internal/roff"},                                   // the tables of flags; it knows of no flag
	"cmd/portannot/internal/top":       {"annotate", "annotate/iana", "annotate/observe", "capture/flow"}, // the screen of portannot top
}

// generators are programs that go generate runs. They may read the published
// registry with the package that models it; they are in no binary.
var generators = map[string][]string{
	"annotate/iana/gen":       {"annotate/iana", "annotate/iana/edition", "annotate/iana/edition/update"},
	"annotate/iana/gen/since": {"annotate/iana"},
}

// mayImportOthers says which packages may import a module that is not ours; a
// prefix ending in "/" stands for all packages below it. Modules that are not
// named may be imported anywhere below capture, where containers and systems
// are dealt with, and nowhere else.
var mayImportOthers = map[string][]string{
	"github.com/clipperhouse/displaywidth":      {"cmd/portannot/internal/top"},
	"github.com/gdamore/tcell/v3":               {"cmd/portannot/internal/top"}, // terminals
	"github.com/google/gopacket":                {"capture", "capture/decode"},
	"github.com/fsnotify/fsnotify":              {"cmd/portannot/internal/follow"},
	"github.com/klauspost/compress":             {"capture/unpack", "cmd/internal/rotate", "cmd/portannot/internal/metrics"}, // logs and captures are kept compressed
	"github.com/ncruces/go-strftime":            {"cmd/internal/rotate"},                                                     // names of files as tcpdump -G has them
	"github.com/netsampler/goflow2/v2/decoders": {"annotate/flowlog/netflow"},                                                // apart from flowlog, whose users need not carry it
	"github.com/parquet-go/parquet-go":          {"cmd/portannot-parquet"},                                                   // adds 13 MB to a binary
	"github.com/spf13/pflag":                    {"cmd/"},
	"golang.org/x/sys/unix":                     {"annotate/flowlog/netflow", "capture", "capture/", "cmd/"}, // what the system dropped of a socket
	"golang.org/x/sys/cpu":                      {"annotate/flowlog"},                                        // which vector instructions there are
	"go.yaml.in/yaml/v4":                        {"annotate/review", "annotate/review/rules"},                // policies and NetworkPolicy
	"golang.org/x/net/html":                     {"annotate/iana/edition"},                                   // the registry is published as HTML too
	"github.com/twmb/franz-go":                  {"annotate/flowlog/kafka"},                                  // the command alone imports that
	"google.golang.org/protobuf":                {"annotate/flowlog/kafka"},                                  // its wire format, protowire, only
}

// mustNotReach names dependencies that a package must not have by any way: who
// reads flow logs should not compile a packet decoder, nor carry an HTTP client;
// who prints records should compile no reader of policies, and who looks ports
// up no parser of any format. The program should stay small.
var mustNotReach = map[string][]string{
	"annotate":                     {"github.com/google/gopacket", "net/http"},
	"annotate/flowlog":             {"github.com/google/gopacket", "github.com/netsampler", "github.com/twmb", "net/http"},
	"annotate/flowlog/kafka":       {"github.com/google/gopacket", "github.com/netsampler", "google.golang.org/protobuf/proto"},
	"annotate/flowlog/netflow":     {"github.com/google/gopacket", "github.com/twmb", "net/http"},
	"annotate/iana":                {"encoding/json", "encoding/xml", "go.yaml.in/yaml", "golang.org/x/net/html", "net", "regexp"},
	"annotate/iana/edition":        {"github.com/google/gopacket", "go.yaml.in/yaml", "net"},
	"annotate/iana/edition/update": {"github.com/google/gopacket", "go.yaml.in/yaml"},
	"annotate/iana/export":         {"encoding/xml", "github.com/google/gopacket", "go.yaml.in/yaml", "golang.org/x/net/html", "net"},
	"annotate/observe":             {"github.com/google/gopacket", "net/http"},
	"annotate/record":              {"github.com/google/gopacket", "net/http", "go.yaml.in", module + "/annotate/review"},
	"annotate/render":              {"github.com/google/gopacket", "net/http", "go.yaml.in", module + "/annotate/review"},
	"annotate/review":              {"github.com/google/gopacket", "net/http"},
	"annotate/review/report":       {"github.com/google/gopacket", "net/http"},
	"annotate/review/rules":        {"github.com/google/gopacket", "net/http"},
	"capture/flow":                 {"github.com/google/gopacket", "net/http"},
	"cmd/portannot":                {"google.golang.org/protobuf/proto", "text/template"}, // 2 MB; keeps all methods in the program, 3.5 MB
}

type listedPackage struct {
	ImportPath string
	Name       string
	Imports    []string // of the files that build here; tests not among them
	Deps       []string
}

// list asks the go command for the module's packages.
func list(t *testing.T, env ...string) []listedPackage {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: the imports cannot be listed")
	}
	cmd := exec.Command(goTool, "list", "-e", "-json=ImportPath,Name,Imports,Deps", module+"/...")
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	outBytes, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var all []listedPackage
	for d := json.NewDecoder(bytes.NewReader(outBytes)); ; {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

// TestImports checks the picture on every system that the program is built
// for, since files for one system have imports of their own.
func TestImports(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows", "freebsd"} {
		t.Run(goos, func(t *testing.T) {
			for _, p := range list(t, "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0") {
				for _, complaint := range complaints(p) {
					t.Error(complaint)
				}
			}
		})
	}
}

// TestDecoderSeam: one file alone knows of the packet decoder that is not ours, so that
// another could be put there. The other one opens interfaces with libpcap.
func TestDecoderSeam(t *testing.T) {
	root := repoRoot(t)
	var files []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range parsed.Imports {
			if within(strings.Trim(i.Path.Value, `"`), "github.com/google/gopacket") {
				name, _ := filepath.Rel(root, path)
				files = append(files, filepath.ToSlash(name))
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"capture/decode/headers.go", "capture/live_libpcap.go"}; !slices.Equal(files, want) {
		t.Errorf("gopacket is imported in %q, want %q", files, want)
	}
}

// complaints says what is wrong with one package's place in the picture.
func complaints(p listedPackage) []string {
	name := strings.TrimPrefix(p.ImportPath, module+"/")
	allowed, known := mayImport[name]
	if g, ok := generators[name]; ok && p.Name == "main" {
		allowed, known = g, true
	}
	var all []string
	if !known {
		all = append(all, name+" is new: add it to mayImport in cmd/portannot/imports_test.go, and say what it may import")
	}
	for _, imported := range p.Imports {
		if own, ok := strings.CutPrefix(imported, module+"/"); ok {
			if known && !slices.Contains(allowed, own) && !slices.Contains(allowed, "*") {
				all = append(all, name+" imports "+own+": it may import only ["+strings.Join(allowed, " ")+"]")
			}
			continue
		}
		if !othersAllowed(name, imported) {
			all = append(all, name+" imports "+imported+", which has no place there: see mayImportOthers")
		}
	}
	for _, dep := range p.Deps {
		for _, barred := range mustNotReach[name] {
			if within(dep, barred) {
				all = append(all, name+" depends on "+dep+", by way of another package")
			}
		}
	}
	return all
}

// othersAllowed reports whether package name may import a package that is not
// ours. The standard library's have no dot in the first element.
func othersAllowed(name, imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true
	}
	for barred, places := range mayImportOthers {
		if within(imported, barred) {
			return slices.ContainsFunc(places, func(place string) bool {
				return name == place || strings.HasSuffix(place, "/") && strings.HasPrefix(name, place)
			})
		}
	}
	return within(name, "capture") || within(name, "cmd")
}

// within reports whether path is tree or lies below it.
func within(path, tree string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}

// TestImportRules checks the check: each kind of wrong import is found.
func TestImportRules(t *testing.T) {
	for _, c := range []struct {
		name string
		pkg  listedPackage
		want string // part of the only complaint, or "" for none
	}{
		{"as designed", listedPackage{ImportPath: module + "/annotate", Imports: []string{"fmt", module + "/annotate/iana"}}, ""},
		{"against the stream", listedPackage{ImportPath: module + "/annotate/iana", Imports: []string{module + "/annotate"}}, "may import only []"},
		{"a new package", listedPackage{ImportPath: module + "/annotate/utils"}, "is new"},
		{"decoder in the core", listedPackage{ImportPath: module + "/annotate", Imports: []string{"github.com/google/gopacket/layers"}}, "no place there"},
		{"decoder in the table", listedPackage{ImportPath: module + "/capture/flow", Imports: []string{"github.com/google/gopacket"}}, "no place there"},
		{"decoder where it belongs", listedPackage{ImportPath: module + "/capture/decode", Imports: []string{"github.com/google/gopacket/layers"}}, ""},
		{"flags in a library", listedPackage{ImportPath: module + "/annotate/render", Imports: []string{"github.com/spf13/pflag"}}, "no place there"},
		{"flags in the program", listedPackage{ImportPath: module + "/cmd/portannot", Imports: []string{"github.com/spf13/pflag", module + "/annotate"}}, ""},
		{"decoder behind a log reader", listedPackage{ImportPath: module + "/annotate/flowlog", Deps: []string{"github.com/google/gopacket/layers"}}, "by way of"},
		{"a client behind a lookup", listedPackage{ImportPath: module + "/annotate/iana", Deps: []string{"net/http"}}, "by way of"},
		{"policies behind a record", listedPackage{ImportPath: module + "/annotate/render", Deps: []string{module + "/annotate/review/rules"}}, "by way of"},
		{"YAML behind a record", listedPackage{ImportPath: module + "/annotate/render", Deps: []string{"go.yaml.in/yaml/v4"}}, "by way of"},
		{"XML behind a lookup", listedPackage{ImportPath: module + "/annotate/iana", Deps: []string{"encoding/xml"}}, "by way of"},
		{"HTML behind a lookup", listedPackage{ImportPath: module + "/annotate/iana", Deps: []string{"golang.org/x/net/html"}}, "by way of"},
		{"YAML behind a lookup", listedPackage{ImportPath: module + "/annotate/iana", Deps: []string{"go.yaml.in/yaml/v4"}}, "by way of"},
		{"HTML in the reader", listedPackage{ImportPath: module + "/annotate/iana/edition", Imports: []string{"golang.org/x/net/html"}}, ""},
		{"addresses are no client", listedPackage{ImportPath: module + "/annotate", Deps: []string{"net/netip"}}, ""},
		{"another module in the core", listedPackage{ImportPath: module + "/annotate", Imports: []string{"example.com/x"}}, "no place there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := complaints(c.pkg)
			if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
				t.Errorf("complaints %q, want %q", got, c.want)
			}
		})
	}
}

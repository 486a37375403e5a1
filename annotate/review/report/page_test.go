package report

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/portannot/portannot/annotate/review"
)

// Every call has as many arguments as its markup has places, and each place is one
// that escaping makes safe: text, or an attribute in double quotes that runs nothing.
func TestPageCalls(t *testing.T) {
	fset := token.NewFileSet()
	calls := 0
	for _, name := range []string{"page.go", "pagerules.go"} {
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "put" || len(call.Args) == 0 {
				return true
			}
			if x, ok := call.Args[0].(*ast.Ident); ok && x.Name == "p" { // a row that writes itself to p
				return true
			}
			v, err := types.Eval(fset, nil, token.NoPos, types.ExprString(call.Args[0]))
			if err != nil || v.Value == nil {
				t.Errorf("%v: the markup is not a constant", fset.Position(call.Pos()))
				return true
			}
			calls++
			text := constant.StringVal(v.Value)
			if places := strings.Count(text, "%"); places != len(call.Args)-1 {
				t.Errorf("%v: %d places and %d arguments", fset.Position(call.Pos()), places, len(call.Args)-1)
			}
			for before, rest, ok := strings.Cut(text, "%"); ok; {
				if bad := unsafePlace(before); bad != "" {
					t.Errorf("%v: a place %s, after %q", fset.Position(call.Pos()), bad, before)
				}
				var more string
				more, rest, ok = strings.Cut(rest, "%")
				before += "%" + more
			}
			return true
		})
	}
	if calls < 80 {
		t.Errorf("%d calls were found", calls)
	}
}

// unsafePlace says what is wrong with a place for text behind this markup.
func unsafePlace(before string) string {
	open := strings.LastIndexByte(before, '<')
	if open < strings.LastIndexByte(before, '>') || open < 0 && !strings.Contains(before, `="`) {
		return "" // text
	}
	tag := before[max(open, 0):]
	if strings.Count(tag, `"`)%2 == 0 {
		return "in a tag, outside quotes"
	}
	name := tag[:strings.LastIndex(tag, `="`)]
	name = name[strings.LastIndexAny(name, " \n")+1:]
	value := tag[strings.LastIndex(tag, `="`)+2:]
	switch {
	case strings.HasPrefix(name, "on") || name == "style" || name == "src" || name == "srcdoc":
		return "in the attribute " + name
	case name == "href" && !strings.HasPrefix(value, "#"):
		return "that begins an address"
	}
	return ""
}

func TestUnsafePlace(t *testing.T) {
	for before, safe := range map[string]bool{
		"": true, "<b>": true, `<td class="`: true, `<td class="a-%" data-x="`: true, `<a href="#`: true, `" title="x">`: true,
		"<td ": false, "<td class=": false, `<a href="`: false, `<a onclick="`: false, `<p style="`: false, "<": false,
	} {
		if got := unsafePlace(before); (got == "") != safe {
			t.Errorf("%q: %q", before, got)
		}
	}
}

// Text from outside stays text, wherever it stands.
func TestPageText(t *testing.T) {
	const outside = "<script>'\"&+%\x00\x1b\u202e\xff</script>\n<b>"
	var b strings.Builder
	p := &page{w: &b}
	p.put(`<p title="%">%</p>%`, outside, outside, 7)
	p.flush()
	want := `<script>'"&+%\x00\x1b\u202e\xff</script>` + "\n<b>"
	z := html.NewTokenizer(strings.NewReader(b.String()))
	z.Next()
	if tok := z.Token(); tok.Data != "p" || len(tok.Attr) != 1 || tok.Attr[0].Val != want {
		t.Errorf("%v", tok)
	}
	z.Next()
	if tok := z.Token(); tok.Type != html.TextToken || tok.Data != want {
		t.Errorf("%v", tok)
	}
	if !strings.HasSuffix(b.String(), "</p>7") || strings.Contains(b.String(), "+") {
		t.Errorf("%q", b.String())
	}
}

func TestPageWriteError(t *testing.T) {
	var ctx review.Context
	Bounds("html", &ctx)
	r := manyServices().Report(ctx)
	for _, left := range []int{0, 100_000} {
		if err := Write(&failing{left}, "html", r, Meta{}); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
}

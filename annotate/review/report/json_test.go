package report

import (
	"bytes"
	"encoding/json"
	"html"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/review"
)

// filled fills everything below v, so that no member is left out, but for what
// is not in JSON.
func filled(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), depth)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				filled(v.Field(i), depth)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			filled(v.Index(i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			filled(v.Index(i), depth)
		}
	case reflect.String:
		v.SetString(`<a href="x">|*_` + "`\u2028\x01é")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		v.SetUint(2)
	}
}

func fullReport() *review.Report {
	r := new(review.Report)
	filled(reflect.ValueOf(r).Elem(), 0)
	r.Format, r.Version = review.Format, review.Version
	return r
}

// What is written line by line is what encoding/json writes, members that are
// empty and those that are not.
func TestReportJSON(t *testing.T) {
	for _, r := range []*review.Report{fullReport(), {Format: review.Format, Version: review.Version, Findings: []review.Finding{}}} {
		var got bytes.Buffer
		if err := Write(&got, "json", r, Meta{}); err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(got.Bytes(), &a); err != nil {
			t.Fatalf("%v in %s", err, got.Bytes())
		}
		if err := json.Unmarshal(want, &b); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s\nwant\n%s", got.Bytes(), want)
		}
		back, err := review.ReadReport(bytes.NewReader(got.Bytes()), "r")
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Services) > 0 && !reflect.DeepEqual(back, r) {
			t.Error("it does not come back as it was")
		}
	}
}

// What is hostile in a report, for that comes from rules, policies and logs,
// is text in every format.
func TestReportEscapes(t *testing.T) {
	r := fullReport()
	for _, name := range Formats() {
		var b bytes.Buffer
		if err := Write(&b, name, r, Meta{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := b.String()
		if name == "markdown" { // in code spans nothing is markup
			text = regexp.MustCompile("(?s)`` .*? ``").ReplaceAllString(text, "")
		}
		if name == "html" || name == "markdown" {
			if strings.Contains(text, `<a href="x">`) {
				at := strings.Index(text, `<a href="x">`)
				t.Errorf("%s: markup passes as it is: %q", name, text[max(at-60, 0):at+30])
			}
		}
		if name == "text" && strings.ContainsAny(text, "\x01\u2028") {
			t.Errorf("%s: control characters pass as they are", name)
		}
	}
}

// The page names the hashes of its style and script, and has nothing else that
// a browser would load or run.
func TestReportHTMLPolicy(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, "html", fullReport(), Meta{}); err != nil {
		t.Fatal(err)
	}
	text := html.UnescapeString(b.String())
	for _, tag := range []string{"style", "script"} {
		// Neither has anything that is escaped, or the hash would be of
		// something else.
		_, body, _ := strings.Cut(text, "<"+tag+">")
		body, _, _ = strings.Cut(body, "</"+tag+">")
		if !strings.Contains(text, tag+"-src '"+cspHash(body)+"'") {
			t.Errorf("the policy does not have the hash of the %s, %s", tag, cspHash(body))
		}
		if n := strings.Count(text, "<"+tag); n != 1 {
			t.Errorf("%d elements %s", n, tag)
		}
	}
	for _, bad := range []string{" style=", " onclick=", "javascript:", "http://", "@import", "url("} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

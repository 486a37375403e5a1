package iana

import (
	"slices"
	"testing"
)

func TestValidName(t *testing.T) {
	for _, name := range []string{"http", "a", "9pfs", "z39-50", "stun-behavior", "X11", "abcdefghijklmno"} {
		if err := ValidName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"":                 "empty",
		"8080":             "no letter",
		"abcdefghijklmnop": "longer than 15 characters",
		"-a":               "begins or ends with a hyphen",
		"a-":               "begins or ends with a hyphen",
		"-":                "begins or ends with a hyphen",
		"a--b":             "two hyphens together",
		"sql*net":          "a character that is not a letter, digit or hyphen",
		"é":                "a character that is not a letter, digit or hyphen",
	} {
		if err := ValidName(name); err == nil || err.Error() != want {
			t.Errorf("%q: %v: want %s", name, err, want)
		}
	}
}

func TestByName(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string
	}{
		{"http", []string{"80/tcp", "80/udp", "80/sctp"}},
		{"HTTP", []string{"80/tcp", "80/udp", "80/sctp"}},
		{"www", []string{"80/tcp", "80/udp"}},
		{"x11", []string{"6000/tcp", "6000/udp"}},
		{"vrml-multi-use", []string{"4200/"}},
		{"inetfs", []string{"7775/tcp"}},
		{"sua", []string{"14001/tcp", "14001/udp", "14001/sctp"}},
		{"", nil},
		{"no-such-name", nil},
		{"dccp-ping", nil},
	} {
		var got []string
		for _, e := range Embedded().ByName(c.name) {
			got = append(got, Span{e.Port, e.Port}.String()+"/"+e.Transport.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q: want %q", c.name, got, c.want)
		}
	}
}

// Every record that has a name is found by it.
func TestByNameFindsAll(t *testing.T) {
	reg := Embedded()
	for rec := range reg.Records() {
		if rec.Name == "" {
			continue
		}
		if !rec.HasPort {
			if !slices.ContainsFunc(reg.WithoutPort(rec.Name), func(r Record) bool { return r.Transport == rec.Transport }) {
				t.Errorf("%s without port", rec.Name)
			}
			continue
		}
		if !slices.ContainsFunc(reg.ByName(rec.Name), func(e Entry) bool {
			return e.Port == rec.Ports.First && e.Transport == rec.Transport
		}) {
			t.Errorf("%v %s", rec.Ports, rec.Name)
		}
	}
}

// A range of which another record hides the first port is found at the next.
func TestByNameHiddenPort(t *testing.T) {
	reg := edition(t, rec(TCP, 10, 20, "r", ""), rec(TCP, 10, 10, "x", ""), rec(NoTransport, 10, 10, "never", ""))
	if list := reg.ByName("r"); len(list) != 1 || list[0].Port != 11 || list[0].Name() != "r" {
		t.Errorf("%+v", list)
	}
	if list := reg.ByName("never"); len(list) != 1 || list[0].Port != 10 || list[0].Name() != "never" {
		t.Errorf("%+v", list) // it answers for no transport
	}
}

func TestNear(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string
	}{
		{"htpt", []string{"http"}},
		{"ollma", []string{"ollama"}},
		{"postgre", []string{"postgresql"}},
		{"sshh", []string{"ssh"}},
		{"", nil},
		{"qqqqqqqqqqqqq", nil},
	} {
		if got := Embedded().Near(c.name, 1); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q: want %q", c.name, got, c.want)
		}
	}
	if got := Embedded().Near("ssh", 0); got != nil {
		t.Errorf("none asked: %q", got)
	}
	long := make([]byte, 1<<20)
	if got := Embedded().Near(string(long), 5); got != nil {
		t.Errorf("long name: %q", got)
	}
	if a, b := Embedded().Near("dns", 5), Embedded().Near("dns", 5); !slices.Equal(a, b) || len(a) != 5 {
		t.Errorf("%q, then %q", a, b)
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"http", "HTTP", 0}, {"http", "htpt", 1}, {"http", "https", 1},
		{"kitten", "sitting", 3}, {"abc", "cba", 2}, {"abcdef", "uvwxyz", 5},
	} {
		if got := editDistance(c.a, c.b, 4); got != c.want {
			t.Errorf("%s, %s: %d", c.a, c.b, got)
		}
		if got := editDistance(c.b, c.a, 4); got != c.want {
			t.Errorf("%s, %s: %d", c.b, c.a, got)
		}
	}
}

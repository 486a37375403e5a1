package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// lookupOptions are the flags of lookup, as given.
type lookupOptions struct {
	output   string
	explain  bool
	history  bool
	registry string
	asOf     string
	practice string
	color    string
	like     bool
	statuses []string
	quiet    bool
}

func (e *env) lookupCommand() *cli.Command {
	o := new(lookupOptions)
	return &cli.Command{
		Name:      "lookup",
		Elsewhere: map[string]string{"r": readersHint},
		Short:     "say what the registry says of ports or names",
		About:     "portannot lookup says what the IANA port registry says of ports or names.",
		Usage:     "portannot lookup [flags] QUERY...",
		Before: `Queries:
  4739/sctp               a port on tcp, udp, sctp, dccp or udplite
  4739/tcp,udp            on several transports
  4739                    on tcp, udp, sctp and dccp
  4690-4700/udp           a range of ports
  ipfix, ipfix/udp        a service name, in any case; names without a port too
  "remote desktop"        words of names and descriptions; one word with --like
  -                       read queries from standard input, one a line; empty
                          lines and those that begin with # are passed over`,
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			outputFlag(&o.output, "text", []string{"text", "json", "csv"},
				"text (default), where ports and transports of the same answer share a line; json, one object a line for each port and transport; or csv, a row for each"),
			cli.Switch(&o.like, "like", "", false, "names in queries are parts of names or descriptions: --like vnc"),
			cli.List(&o.statuses, "status", "", "STATUS",
				"only ports of a status: "+cli.Or(statusNames...)+"; without a query, all such ports").Named(statusNames...),
			cli.Switch(&o.explain, "explain", "", false, "show the records that matched, and which of them decided and why"),
			cli.Switch(&o.history, "history", "", false, "show how ports changed since the edition of "+firstKnown),
			registryFlag(&o.registry),
			asOfFlag(&o.asOf),
			practiceFlag(&o.practice),
			colorFlag(&o.color),
			cli.Switch(&o.quiet, "quiet", "q", false, "no hints"),
		}}},
		After: `Status: assigned; reserved; unassigned (also where there is no record below
49152); dynamic (49152 to 65535, never assigned); unknown (the registry file
does not cover the port). RFC 6335 section 6 has the rules. Several names of a
port are in order of preference.

A registered port says nothing of what the traffic really is.

Exit status: 0 all found; 1 a name is not registered, or failure; 2 a query or
flag is malformed. All good queries are answered; the worst decides.`,
		Examples: []string{
			"portannot lookup 4739/sctp",
			"portannot lookup 80 443 6000-6063/tcp",
			"portannot lookup ipfix",
			"portannot lookup 'remote desktop'",
			"portannot lookup --like vnc",
			"portannot lookup --status unassigned 1024-1100/tcp",
			"portannot lookup --explain 7775/udp",
			"portannot lookup --as-of 2018-01-31 11434/tcp",
			"portannot lookup --history 2/tcp 11434/tcp",
			"portannot lookup -o json 0-65535/tcp | head -3",
		},
		Args: cli.Text,
		Run:  func(ctx context.Context, fs *pflag.FlagSet) error { return o.run(ctx, e, fs.Args()) },
	}
}

func (o *lookupOptions) run(ctx context.Context, e *env, queries []string) error {
	wanted, err := parseStatuses(o.statuses)
	switch {
	case err != nil:
		return err
	case len(queries) == 0 && len(wanted) > 0:
		queries = []string{"0-65535"}
	case len(queries) == 0:
		return usagef(queryHint, "nothing to look up")
	case o.output == "csv" && (o.explain || o.history):
		return usagef("-o json has both", "-o csv does not go with --explain or --history")
	case len(wanted) > 0 && o.history:
		return usagef("", "--status does not go with --history: ports had others before")
	}
	if o.history && (o.asOf != "" || o.explain || o.registry != "" && o.registry != embeddedWord) {
		return usagef("--history shows all known editions", "--history does not go with --as-of, --explain or a registry file")
	}
	c, err := chooseRegistryAsOf(ctx, o.registry, o.asOf)
	if err != nil {
		return err
	}
	if o.asOf == "" {
		e.mentionAge(o.registry, c)
	}
	reg := c.Registry
	format := o.format(useColor(o.color, e.stdout))
	var picked *statusAnswers
	if len(wanted) > 0 {
		picked = &statusAnswers{answerFormat: format, reg: reg, wanted: wanted}
		format = picked
	}
	return buffered(e.textOutput(o.output), func(w *bufio.Writer) error {
		format.begin(w, reg)
		l := &lookup{env: e, reg: reg, format: format, out: w, like: o.like, quiet: o.quiet}
		err := l.all(ctx, queries)
		if endErr := format.end(); err == nil {
			err = endErr
		}
		if err != nil {
			return err
		}
		if picked != nil && !picked.given && !l.notFound && !l.malformed {
			e.warnf("no port of that status among those asked for")
			l.notFound = true
		}
		return l.worst()
	})
}

// answerFormat writes answers. Errors of writing come back from any call.
type answerFormat interface {
	begin(w *bufio.Writer, reg *iana.Registry)
	// ports answers for all ports of a span on each of the transports.
	ports(span iana.Span, transports iana.TransportSet) error
	// record answers with the record by which a name has a port.
	record(en iana.Entry) error
	// portless answers with the record of a name that has no port.
	portless(rec iana.Record) error
	end() error
}

func (o *lookupOptions) format(color bool) answerFormat {
	switch {
	case o.history:
		return &historyAnswers{json: o.output == "json"}
	case o.output == "json":
		return &jsonAnswers{explain: o.explain, practised: o.practice != "off"}
	case o.output == "csv":
		return &csvAnswers{}
	case o.explain:
		return &explainAnswers{paint: paint(color), practised: o.practice != "off"}
	}
	return &textAnswers{paint: paint(color), practised: o.practice != "off"}
}

// lookup answers queries one after the other, and keeps what was wrong.
type lookup struct {
	env       *env
	reg       *iana.Registry
	format    answerFormat
	out       *bufio.Writer
	like      bool // names are parts of names
	quiet     bool // no hints
	notFound  bool
	malformed bool
}

// all answers the queries; "-" stands for those on standard input.
func (l *lookup) all(ctx context.Context, queries []string) error {
	for _, q := range queries {
		answer := l.query
		if q == "-" {
			answer = func(string) error { return l.lines(ctx) }
		}
		if err := answer(q); err != nil {
			return err
		}
	}
	return nil
}

// worst gives the error that all queries together end with. Each of them has
// been reported.
func (l *lookup) worst() error {
	switch {
	case l.malformed:
		return &usageError{}
	case l.notFound:
		return errPart
	}
	return nil
}

const readersHint = "portannot -r FILE reads captures, portannot enrich FILE reads logs"

// fileAsQuery is the mistake of a query that is a file; nil if it is none.
func fileAsQuery(text string) *usageError {
	st, err := os.Stat(text)
	switch {
	case err != nil:
		return nil
	case st.IsDir() && strings.ContainsRune(text, os.PathSeparator):
		return &usageError{Msg: text + " is a directory, and a query is a port or a name", Hint: readersHint}
	case !st.Mode().IsRegular():
		return nil
	}
	if kind := kindOfFile(text); kind != unknownKind {
		return wrongKind(text, kind, "a port or a name", nil)
	}
	return &usageError{Msg: text + " is a file, and a query is a port or a name", Hint: readersHint}
}

// queryInput is standard input where queries are expected, a line each.
func queryInput(stdin io.Reader) io.Reader {
	return &knownInput{r: stdin, check: func(begin []byte) error {
		if kind := kindOf(begin); kind != unknownKind {
			return wrongKind("-", kind, "queries", nil)
		}
		return nil
	}}
}

// query answers one query. A query that is malformed or finds nothing is
// reported; the error is one of writing.
func (l *lookup) query(text string) error {
	q, malformed := parseQuery(text, l.known)
	if malformed != nil || q.name != "" && !l.known(q.name) {
		if file := fileAsQuery(text); file != nil {
			malformed = file
		}
	}
	switch {
	case malformed != nil:
		l.env.warnUsage(malformed)
		l.malformed = true
		return nil
	case q.name == "":
		return l.format.ports(q.span, q.transports)
	}
	if !l.like && (l.known(q.name) || !strings.Contains(strings.TrimSpace(q.name), " ")) {
		return l.byName(q)
	}
	found, err := l.byText(q)
	if err == nil && !found {
		l.env.warnf("%q: no name or description has this (%s)", q.name, editionWords(l.reg.Edition()))
		l.notFound = true
	}
	return err
}

func (l *lookup) known(name string) bool {
	return len(l.reg.ByName(name)) > 0 || len(l.reg.WithoutPort(name)) > 0
}

// byName answers with the ports of a name and with what it is registered for
// without a port, such as DNS-SD. A record without a transport is for all.
func (l *lookup) byName(q query) error {
	wanted := func(t iana.Transport) bool {
		return q.transports == 0 || t == iana.NoTransport || q.transports.Has(t)
	}
	found := false
	var elsewhere iana.TransportSet
	for _, en := range l.reg.ByName(q.name) {
		if !wanted(en.Transport) {
			elsewhere = elsewhere.With(en.Transport)
			continue
		}
		found = true
		if err := l.format.record(en); err != nil {
			return err
		}
	}
	for _, rec := range l.reg.WithoutPort(q.name) {
		if !wanted(rec.Transport) {
			elsewhere = elsewhere.With(rec.Transport)
			continue
		}
		found = true
		if err := l.format.portless(rec); err != nil {
			return err
		}
	}
	switch {
	case found:
		return nil
	case elsewhere != 0:
		l.env.warnf("%q is not registered for %s", q.name, listed(q.transports))
		l.hint("it is registered for " + listed(elsewhere))
	default:
		l.env.warnf("%q is not a registered name (%s)", q.name, editionWords(l.reg.Edition()))
		if near := nearNames(l.reg, q.name, 5); near != "" {
			l.hint(near)
		} else {
			l.hint("--like looks for a part of a name or description")
		}
	}
	l.notFound = true
	return nil
}

// hint says what may have been meant.
func (l *lookup) hint(text string) {
	if !l.quiet {
		l.env.warnf("hint: %s", text)
	}
}

// nearNames proposes at most n registered names that resemble one that is not
// registered; empty if there are none.
func nearNames(reg *iana.Registry, name string, n int) string {
	near := reg.Near(name, n)
	if len(near) == 0 {
		return ""
	}
	return "did you mean " + cli.Or(near...) + "?"
}

// maxQueryLine bounds a line of queries on standard input.
const maxQueryLine = 4096

// lines answers the queries on standard input until its end or an interrupt.
func (l *lookup) lines(ctx context.Context) error {
	type line struct {
		text string
		err  error
	}
	lines := make(chan line, 64)
	go func() {
		// The reader may be stuck in a read when the program is interrupted;
		// it then ends with the program.
		defer close(lines)
		s := bufio.NewScanner(queryInput(l.env.stdin))
		s.Buffer(nil, maxQueryLine)
		for s.Scan() {
			select {
			case lines <- line{text: s.Text()}:
			case <-ctx.Done():
				return
			}
		}
		if err := s.Err(); err != nil {
			lines <- line{err: err}
		}
	}()
	for n := 1; ; n++ {
		var next line
		var ok bool
		select {
		case next, ok = <-lines:
		default:
			// Whoever asks one by one waits for the answer. Text is held back
			// for the widths of its columns.
			if err := l.out.Flush(); err != nil {
				return err
			}
			select {
			case next, ok = <-lines:
			case <-ctx.Done():
			}
		}
		text := strings.TrimSpace(next.text)
		switch {
		case errors.Is(next.err, bufio.ErrTooLong):
			return fmt.Errorf("read queries: standard input:%d: line longer than %d bytes", n, maxQueryLine)
		case next.err != nil:
			return fmt.Errorf("read queries: %w", next.err)
		case !ok:
			return nil
		case text == "" || text[0] == '#':
			continue
		}
		if err := l.query(text); err != nil {
			return err
		}
	}
}

// editionWords names an edition in the end line of text and in messages.
func editionWords(ed iana.Edition) string {
	s := "edition " + ed.Date
	if ed.Date == "" {
		s = "edition without date"
	}
	if ed.Form != "embedded" && ed.Form != "history" {
		s += " from " + ed.Source
	}
	return escaped(s)
}

// listed gives a set in words: "tcp, udp".
func listed(s iana.TransportSet) string {
	return strings.ReplaceAll(s.String(), ",", ", ")
}

// allTransports is what a query for a port alone asks for.
func allTransports() iana.TransportSet {
	var s iana.TransportSet
	for _, t := range iana.Transports() {
		s = s.With(t)
	}
	return s
}

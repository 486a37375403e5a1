package iana

import (
	"compress/flate"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"weak"
)

// The history of the registry is kept as changes of the table of the embedded
// edition. In history.txt, which is for review, a block for each edition begins
// with its date; a line of the table that the edition removed follows a "-", and
// one that it added a "+". The first line of the file is
//
//	portannot-history 1, first edition, first edition that is complete
//
// with tabs between the three. Records of editions before the first complete one
// have no service code and no report of unauthorized use, for the source of their
// history does not have these.
//
// history.bin is made from that, compressed (RFC 1951). In it, a "+" is followed by
// the number of the line instead of its text, for some later edition has that line:
// the lines of the embedded table come first, then those after a "-", counted from
// the end of the history. A program that never asks for an earlier edition does not
// contain it.

//go:embed history.bin
var historyBin string

const historyMagic = "portannot-history 1"

// ErrNoHistory is the error for a day before the first edition of the history.
var ErrNoHistory = errors.New("the day is before the first known edition of the registry")

// AsOf returns the registry as it was on a day: the newest known edition that is
// not later than the UTC day of t. [Registry.Edition] tells which one that is. For
// a day before [FirstKnown] the error wraps [ErrNoHistory].
//
// An edition of the history covers all ports, and its lookups are as fast as those of the
// embedded edition. Its form is "history". It has what the embedded edition has, except
// that service codes and reports of unauthorized use are not known for editions before
// 2026-08-17: for these Edition.Partial is set. References that IANA gives as text, without
// a document, may be missing, and so may references within a description. For a day from
// the date of the embedded edition on, AsOf returns that edition.
//
// Making an edition takes some 20 milliseconds. While a program uses an edition,
// AsOf returns the same registry for it.
func AsOf(t time.Time) (*Registry, error) {
	day := t.UTC().Format(time.DateOnly)
	if day >= embeddedDate {
		return Embedded(), nil
	}
	h := embeddedHistory()
	n, found := slices.BinarySearchFunc(h.revisions, day, func(r revision, day string) int { return strings.Compare(r.date, day) })
	for found && n+1 < len(h.revisions) && h.revisions[n+1].date == day {
		n++ // the last one of that date
	}
	if !found {
		n--
	}
	if n < 0 {
		return nil, fmt.Errorf("registry as of %s: %w (%s)", day, ErrNoHistory, h.revisions[0].date)
	}
	return h.registry(n), nil
}

// FirstKnown returns the date of the first edition of the history: "2015-05-04".
func FirstKnown() string { return embeddedHistory().revisions[0].date }

// FirstComplete returns the date of the first edition of the history that has all
// columns. For those before it, [Edition.Partial] is set.
func FirstComplete() string { return embeddedHistory().complete }

// KnownEditions returns the dates of all known editions, the oldest first. The last
// one is that of the embedded edition.
func KnownEditions() []string {
	h := embeddedHistory()
	dates := make([]string, len(h.revisions))
	for i, r := range h.revisions {
		dates[i] = r.date
	}
	return dates
}

// PortHistory returns the answers for a port on a transport in the known editions:
// first that of the edition of [FirstKnown], then one for each edition that changed
// a record of the port, the newest last. [Entry.Edition] tells which edition that
// is. Two answers in a row may be equal: the record that changed may be one that
// does not decide the answer for this transport. A port from 49152 up has one
// answer.
func PortHistory(t Transport, port uint16) []Entry { return embeddedHistory().port(t, port) }

func (h *history) port(t Transport, port uint16) []Entry {
	if port >= FirstDynamic {
		return []Entry{h.small(0, port, nil).Lookup(t, port)}
	}
	l := h.lines()
	concerned := l.concern(port)
	moments := []int32{0} // places of the editions that changed a record
	for _, line := range concerned {
		moments = append(moments, l.first[line], l.end[line])
	}
	slices.Sort(moments)
	var list []Entry
	for _, n := range slices.Compact(moments) {
		if int(n) < len(h.revisions) {
			list = append(list, h.small(int(n), port, concerned).Lookup(t, port))
		}
	}
	return list
}

// small makes a registry of an edition's records of one port. lines are those that
// concern it in any edition.
func (h *history) small(n int, port uint16, lines []uint32) *Registry {
	rows := make([]row, 0, 8)
	for _, line := range lines {
		if l := h.lines(); l.in(line, n) {
			rows = append(rows, l.row(line, h.partial(n)))
		}
	}
	blob, err := buildPortIndex(rows, port)
	if err == nil {
		var ix index
		if ix, err = openIndex(blob); err == nil {
			return &Registry{edition: h.edition(n, len(rows)), cover: AllPorts(), rows: rows, index: ix}
		}
	}
	panic("iana: edition " + h.revisions[n].date + ": " + err.Error()) // as in registry
}

// partial reports whether an edition lacks the columns that the source of the
// history does not have.
func (h *history) partial(n int) bool { return h.revisions[n].date < h.complete }

func (h *history) edition(n, records int) Edition {
	return Edition{Date: h.revisions[n].date, Source: embeddedSource, Form: "history", Records: records, Partial: h.partial(n)}
}

// history has the records of all known editions. A line of the table is known by
// its number: those of the embedded edition come first.
type history struct {
	table     string     // the lines of all editions
	starts    []uint32   // where each line begins in table
	embedded  int        // number of lines of the embedded edition
	revisions []revision // by date; the last one is the embedded edition
	complete  string     // date of the first edition with all columns

	once sync.Once
	all  historyLines // once they are read

	mu   sync.Mutex
	used map[int]weak.Pointer[Registry] // by place in revisions, those that may be in use
}

// revision is an edition as the difference from the one before.
type revision struct {
	date           string
	removed, added []uint32 // numbers of lines
}

// ofEmbedded is the history of the embedded edition, once it is read. It is not a
// sync.OnceValue like embedded: a function that a variable holds is in every
// program, and the history with it.
var ofEmbedded struct {
	once sync.Once
	*history
}

func embeddedHistory() *history {
	ofEmbedded.once.Do(func() {
		text, err := io.ReadAll(flate.NewReader(strings.NewReader(historyBin)))
		if err == nil {
			ofEmbedded.history, err = parseHistory(string(text), embeddedTable)
		}
		if err != nil {
			// Made together with the embedded edition, and checked by tests.
			panic("iana: history: " + err.Error())
		}
	})
	return ofEmbedded.history
}

// parseHistory reads the history that leads to the edition of a table. It goes
// through the lines from the end, since only the last edition is known as a whole.
func parseHistory(text, table string) (*history, error) {
	head, body, _ := strings.Cut(text, "\n")
	fields := strings.Split(head, "\t")
	if len(fields) != 3 || fields[0] != historyMagic {
		return nil, fmt.Errorf("first line is %.40q", head)
	}
	h := &history{complete: fields[2], used: make(map[int]weak.Pointer[Registry])}
	var all strings.Builder // the table, then lines that it does not have
	all.WriteString(table)
	start := 0
	for line := range strings.Lines(table) {
		h.starts = append(h.starts, uint32(start))
		start += len(line)
	}
	h.embedded = len(h.starts)

	lines := slices.Collect(strings.Lines(body))
	at := revision{}
	for i := len(lines) - 1; i >= 0; i-- {
		line := lines[i]
		switch content := line[1:]; line[0] {
		case '+':
			n, err := strconv.ParseUint(strings.TrimSuffix(content, "\n"), 10, 32)
			if err != nil || n >= uint64(len(h.starts)) {
				return nil, fmt.Errorf("line %d adds a record that no later edition has", i+2)
			}
			at.added = append(at.added, uint32(n))
		case '-':
			at.removed = append(at.removed, uint32(len(h.starts)))
			h.starts = append(h.starts, uint32(all.Len()))
			all.WriteString(content)
		default:
			at.date = strings.TrimSuffix(line, "\n")
			if n := len(h.revisions); len(at.date) != len(time.DateOnly) || n > 0 && at.date > h.revisions[n-1].date {
				return nil, fmt.Errorf("line %d: edition %.40q is not before the next", i+2, at.date)
			}
			h.revisions = append(h.revisions, at)
			at = revision{}
		}
	}
	if at.added != nil || at.removed != nil {
		return nil, errors.New("a record before the first date")
	}
	h.revisions = append(h.revisions, revision{date: fields[1]})
	slices.Reverse(h.revisions)
	h.table = all.String()
	return h, nil
}

// registry makes the edition at a place of revisions, or gives the one that is in
// use.
func (h *history) registry(n int) *Registry {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.used[n].Value(); r != nil {
		return r
	}
	r, err := h.build(n)
	if err != nil {
		// The tests build every edition.
		panic("iana: edition " + h.revisions[n].date + ": " + err.Error())
	}
	h.used[n] = weak.Make(r)
	return r
}

func (h *history) build(n int) (*Registry, error) {
	l := h.lines()
	rows := make([]row, 0, h.embedded)
	starts := make([]uint32, 0, h.embedded)
	for _, line := range l.order {
		if l.in(line, n) {
			rows = append(rows, l.rows[line])
			starts = append(starts, h.starts[line])
		}
	}
	blob, err := buildIndexLines(rows, starts)
	if err != nil {
		return nil, err
	}
	ix, err := openIndex(blob)
	if err != nil {
		return nil, err
	}
	return &Registry{edition: h.edition(n, len(rows)), cover: AllPorts(), table: h.table, index: ix}, nil
}

func (h *history) line(i int) string {
	s := h.table[h.starts[i]:]
	return s[:strings.IndexByte(s, '\n')]
}

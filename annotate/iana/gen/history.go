package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// The history of the registry is the list of changes of table.txt: see
// history.go of package iana for the form of history.txt and history.bin.

const (
	historyMagic  = "portannot-history 1"
	firstComplete = "2026-08-17" // earlier records have no service code and unauthorized use
)

// extendHistory appends to the history in dir what changes from its table to the
// new one. A folder without a history is left alone.
func extendHistory(dir string, table []byte, date string) error {
	text, err := os.ReadFile(filepath.Join(dir, "history.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	old, err := os.ReadFile(filepath.Join(dir, "table.txt"))
	if err != nil {
		return err
	}
	var last string // date of the newest edition
	for line := range strings.Lines(string(text)) {
		if line[0] != '-' && line[0] != '+' {
			last = strings.TrimSuffix(line, "\n")
		}
	}
	if bytes.Equal(old, table) && date == last {
		return nil
	}
	if date < last {
		return fmt.Errorf("extend the history: edition %s is older than its last, %s", date, last)
	}
	removed, added := difference(strings.SplitAfter(string(old), "\n"), strings.SplitAfter(string(table), "\n"))
	return writeHistory(dir, appendRevision(text, date, removed, added), table)
}

// difference gives the lines that only the first and only the second list has. A
// line may stand in a list several times.
func difference(a, b []string) (onlyA, onlyB []string) {
	count := make(map[string]int)
	for _, line := range b {
		count[line]++
	}
	for _, line := range a {
		if count[line]--; count[line] < 0 {
			onlyA = append(onlyA, line)
		}
	}
	count = make(map[string]int)
	for _, line := range a {
		count[line]++
	}
	for _, line := range b {
		if count[line]--; count[line] < 0 {
			onlyB = append(onlyB, line)
		}
	}
	return onlyA, onlyB
}

// appendRevision appends the block of an edition.
func appendRevision(text []byte, date string, removed, added []string) []byte {
	text = append(text, date+"\n"...)
	for _, line := range removed {
		text = append(text, "-"+line...)
	}
	for _, line := range added {
		text = append(text, "+"+line...)
	}
	return text
}

// writeHistory writes both forms of the history that leads to a table.
func writeHistory(dir string, text, table []byte) error {
	packed, err := pack(text, table)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	zw, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return err
	}
	zw.Write(packed) // errors stay until Close
	if err := zw.Close(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "history.txt"), text, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "history.bin"), b.Bytes(), 0o644)
}

// pack writes numbers for the lines that an edition added: see history.go of package
// iana. It fails if an added line is not in the next edition.
func pack(text, table []byte) ([]byte, error) {
	numbers := make(map[string][]int) // of the lines of the edition at hand
	n := 0
	for line := range strings.Lines(string(table)) {
		numbers[line] = append(numbers[line], n)
		n++
	}
	lines := slices.Collect(strings.Lines(string(text)))
	for i := len(lines) - 1; i >= 0; i-- {
		switch content := lines[i][1:]; lines[i][0] {
		case '-':
			numbers[content] = append(numbers[content], n)
			n++
		case '+':
			list := numbers[content]
			if len(list) == 0 {
				return nil, fmt.Errorf("history.txt:%d: the record is not in the next edition", i+1)
			}
			numbers[content] = list[:len(list)-1]
			lines[i] = fmt.Sprintf("+%d\n", list[len(list)-1])
		}
	}
	return []byte(strings.Join(lines, "")), nil
}

// change is a line of history.jsonl.
type change struct {
	Edition string
	Op      string
	Record  json.RawMessage
}

// pastRecord is a record of history.jsonl.
type pastRecord struct {
	Name, Protocol, Number, Description string
	Date, Updated, Code, Unauth, Note   string
	Refs                                []string
}

// makeHistory makes the history anew from a folder with history.jsonl, or
// history.jsonl.xz, and history.tsv. The last edition must be that of the table.
func makeHistory(dir, folder string, table []byte, date string) error {
	counts, err := readCounts(filepath.Join(folder, "history.tsv"))
	if err != nil {
		return err
	}
	changes, err := readChanges(folder)
	if err != nil {
		return err
	}
	if len(counts) == 0 || len(changes) == 0 || counts[len(counts)-1].date != date {
		return fmt.Errorf("the history in %s does not end with the edition of %s", folder, date)
	}
	lines, err := linesOf(changes, table)
	if err != nil {
		return err
	}
	text := []byte(historyMagic + "\t" + counts[0].date + "\t" + firstComplete + "\n")
	records := 0
	for i, c := range counts {
		var removed, added []string
		for len(changes) > 0 && changes[0].Edition == c.date {
			line := lines[string(changes[0].Record)]
			if changes[0].Op == "-" {
				removed = append(removed, line)
			} else {
				added = append(added, line)
			}
			changes = changes[1:]
		}
		if records += len(added) - len(removed); records != c.records {
			return fmt.Errorf("edition %s has %d records by its changes, %d by history.tsv", c.date, records, c.records)
		}
		if i > 0 {
			removed, added = difference(removed, added)
			text = appendRevision(text, c.date, removed, added)
		}
	}
	if len(changes) > 0 {
		return fmt.Errorf("edition %s is not in history.tsv", changes[0].Edition)
	}
	return writeHistory(dir, text, table)
}

// count is a line of history.tsv.
type count struct {
	date    string
	records int
}

func readCounts(path string) ([]count, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []count
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if f[0] == "edition" || len(f) < 2 {
			continue
		}
		n, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		list = append(list, count{f[0], n})
	}
	return list, nil
}

// readChanges reads history.jsonl, or what xz(1) makes of history.jsonl.xz.
func readChanges(folder string) ([]change, error) {
	path := filepath.Join(folder, "history.jsonl")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		path += ".xz"
		data, err = exec.Command("xz", "-dc", path).Output()
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var list []change
	d := json.NewDecoder(bufio.NewReader(bytes.NewReader(data)))
	for {
		var c change
		err := d.Decode(&c)
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		list = append(list, c)
	}
}

// linesOf gives the line of the table for each record of the changes. A record
// that the last edition has gets the line of the table itself, which says more.
func linesOf(changes []change, table []byte) (map[string]string, error) {
	present := make(map[string]bool)
	var past []iana.Record
	var sources []string // of past
	seen := make(map[string]bool)
	for _, c := range changes {
		source := string(c.Record)
		if c.Op == "-" {
			if !present[source] {
				return nil, fmt.Errorf("edition %s removes a record that is not there: %s", c.Edition, source)
			}
			delete(present, source)
			continue
		}
		if present[source] {
			return nil, fmt.Errorf("edition %s adds a record twice: %s", c.Edition, source)
		}
		present[source] = true
		if !seen[source] {
			seen[source] = true
			rec, err := toRecord(c.Record)
			if err != nil {
				return nil, fmt.Errorf("edition %s: %w: %s", c.Edition, err, source)
			}
			past = append(past, rec)
			sources = append(sources, source)
		}
	}
	made, err := tableLines(past)
	if err != nil {
		return nil, err
	}
	lines := make(map[string]string)
	for i, source := range sources {
		lines[source] = made[i]
	}
	if err := useTableLines(lines, present, table); err != nil {
		return nil, err
	}
	return lines, nil
}

// useTableLines replaces the lines of the records of the last edition with those
// of the table. References within a description are not in the history, so what
// does not match by all columns matches by ports, transport and name.
func useTableLines(lines map[string]string, present map[string]bool, table []byte) error {
	all := slices.Collect(strings.Lines(string(table)))
	sources := slices.Sorted(maps.Keys(present))
	for _, columns := range [][]int{{0, 1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 4}} {
		byColumns := make(map[string][]string)
		for _, line := range all {
			key := columnsOf(line, columns)
			byColumns[key] = append(byColumns[key], line)
		}
		var left []string
		for _, source := range sources {
			key := columnsOf(lines[source], columns)
			if list := byColumns[key]; len(list) > 0 {
				lines[source], byColumns[key] = list[0], list[1:]
				continue
			}
			left = append(left, source)
		}
		sources, all = left, slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Values(byColumns))...)))
	}
	switch {
	case len(sources) > 0:
		return fmt.Errorf("the last edition of the history has a record that the table does not have: %s", sources[0])
	case len(all) > 0:
		return fmt.Errorf("the last edition of the history does not have a record of the table: %s", all[0])
	}
	return nil
}

// columnsOf gives some columns of a line of the table.
func columnsOf(line string, columns []int) string {
	f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	key := ""
	for _, c := range columns {
		if c < len(f) {
			key += f[c]
		}
		key += "\t"
	}
	return key
}

// toRecord reads a record of history.jsonl.
func toRecord(source json.RawMessage) (iana.Record, error) {
	var p pastRecord
	if err := json.Unmarshal(source, &p); err != nil {
		return iana.Record{}, err
	}
	rec := iana.Record{
		Name: iana.FoldSpace(p.Name), Description: iana.FoldSpace(p.Description), Registered: p.Date, Modified: p.Updated,
		ServiceCode: p.Code, Unauthorized: iana.FoldSpace(p.Unauth), Notes: iana.FoldSpace(p.Note),
	}
	var err error
	if p.Number != "" {
		if rec.Ports, err = iana.ParseSpan(p.Number); err != nil {
			return rec, err
		}
		rec.HasPort = true
	}
	if p.Protocol != "" {
		if rec.Transport, err = iana.ParseTransport(p.Protocol); err != nil {
			return rec, err
		}
	}
	for _, ref := range p.Refs {
		switch kind, data, _ := strings.Cut(ref, ":"); {
		case kind == "text": // the text is not in the history
		case kind == "rfc":
			rec.References = append(rec.References, strings.ToUpper(data))
		default:
			rec.References = append(rec.References, iana.FoldSpace(data))
		}
	}
	return rec, nil
}

// tableLines gives the line of the table for each record.
func tableLines(records []iana.Record) ([]string, error) {
	order := make([]int, len(records))
	for i := range order {
		order[i] = i
	}
	place := func(r *iana.Record) int64 { // names without a port come last
		if !r.HasPort {
			return 1 << 32
		}
		return int64(r.Ports.First)<<16 | int64(r.Ports.Last)
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(place(&records[i]), place(&records[j])) })
	lines := make([]string, len(records))
	// In parts, since all records of all times may be too many for one port.
	for part := range slices.Chunk(order, 1000) {
		list := make([]iana.Record, len(part))
		for i, n := range part {
			list[i] = records[n]
		}
		reg, err := iana.NewRegistry(iana.Edition{}, list, iana.AllPorts())
		if err != nil {
			return nil, err
		}
		compact, err := reg.Compact()
		if err != nil {
			return nil, err
		}
		i := 0
		for line := range strings.Lines(string(compact.Table)) {
			lines[part[i]] = line
			i++
		}
		if i != len(part) {
			return nil, fmt.Errorf("%d lines of %d records", i, len(part))
		}
	}
	return lines, nil
}

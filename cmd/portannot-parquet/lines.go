package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// magic is what files of Parquet begin and end with.
const magic = "PAR1"

// isParquet reports whether a file begins as Parquet does. It changes nothing about
// what is read next.
func isParquet(in any) bool {
	f, ok := in.(*os.File) // a pipe has no end to read from
	if !ok {
		return false
	}
	begin := make([]byte, len(magic))
	n, _ := f.ReadAt(begin, 0)
	return string(begin[:n]) == magic
}

// leaf is one column of a file.
type leaf struct {
	path   []string // of objects, and the key
	list   bool     // an array of values
	left   bool     // in a list of records, which has no place in a line
	append func(dst []byte, v parquet.Value) []byte
}

// liner writes the rows of a file as JSON Lines.
type liner struct {
	name   string
	leaves []leaf
	values [][]parquet.Value // of a row, by column
	line   []byte
	rows   int64
	left   []string // columns that were left out
}

// lines writes each row of a file as an object on a line. Groups are objects, lists of
// values are arrays, and what is null is left out. A damaged file gives the rows that
// could be read, and an error.
func (l *liner) lines(in io.ReaderAt, size int64, w io.Writer) (err error) {
	out := bufio.NewWriterSize(w, 64<<10)
	defer func() {
		if p := recover(); p != nil { // the library's, of a damaged file
			err = fmt.Errorf("read %s: %v", l.name, p)
		}
		if flushErr := out.Flush(); flushErr != nil && !errors.Is(err, errWrite) {
			err = fmt.Errorf("%w: %w", errWrite, flushErr)
		}
	}()
	f, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("read %s: %w", l.name, err)
	}
	l.schema(f.Schema())
	buf := make([]parquet.Row, 256)
	for _, g := range f.RowGroups() {
		if err := l.group(g, buf, out); err != nil {
			return err
		}
	}
	return nil
}

var errWrite = errors.New("write JSON Lines")

func (l *liner) group(g parquet.RowGroup, buf []parquet.Row, out *bufio.Writer) error {
	rows := g.Rows()
	defer rows.Close()
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			l.rows++
			if _, err := out.Write(l.object(row)); err != nil {
				return fmt.Errorf("%w: %w", errWrite, err)
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("read %s: row %d: %w", l.name, l.rows+1, err)
		case n == 0:
			return fmt.Errorf("read %s: row %d: no progress", l.name, l.rows+1)
		}
	}
}

// schema finds out what the columns are.
func (l *liner) schema(s *parquet.Schema) {
	for _, path := range s.Columns() {
		c, _ := s.Lookup(path...)
		x := leaf{append: appender(c.Node)}
		repeated := 0
		var at parquet.Node = s
		for i, name := range path {
			for _, f := range at.Fields() {
				if f.Name() == name {
					at = f
					break
				}
			}
			if at.Repeated() {
				// What stands inside a list is its values: "list.element".
				if repeated++; repeated == 1 && len(x.path) > 0 && i+1 < len(path) {
					x.left = i+2 != len(path)
					break
				}
			}
			x.path = append(x.path, name)
		}
		x.list = repeated > 0
		if x.left = x.left || repeated > 1 || c.MaxRepetitionLevel > 1; x.left {
			l.left = append(l.left, strings.Join(path, "."))
		}
		l.leaves = append(l.leaves, x)
	}
	l.values = make([][]parquet.Value, len(l.leaves))
}

// object gives a row as a line. The columns of a group stand together in a file.
func (l *liner) object(row parquet.Row) []byte {
	for i := range l.values {
		l.values[i] = l.values[i][:0]
	}
	for _, v := range row {
		if c := v.Column(); !v.IsNull() && c >= 0 && c < len(l.values) {
			l.values[c] = append(l.values[c], v)
		}
	}
	dst := append(l.line[:0], '{')
	var open []string // the objects that are open
	for i := range l.leaves {
		x := &l.leaves[i]
		if x.left || len(l.values[i]) == 0 {
			continue
		}
		groups := x.path[:len(x.path)-1]
		same := 0
		for same < len(open) && same < len(groups) && open[same] == groups[same] {
			same++
		}
		for range open[same:] {
			dst = append(dst, '}')
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		for _, name := range groups[same:] {
			dst = append(appendText(dst, name), ":{"...)
		}
		open = append(open[:same], groups[same:]...)
		dst = append(appendText(dst, x.path[len(x.path)-1]), ':')
		if x.list {
			dst = append(dst, '[')
		}
		for k, v := range l.values[i] {
			if k > 0 {
				if !x.list {
					break
				}
				dst = append(dst, ',')
			}
			dst = x.append(dst, v)
		}
		if x.list {
			dst = append(dst, ']')
		}
	}
	for range open {
		dst = append(dst, '}')
	}
	l.line = append(dst, "}\n"...)
	return l.line
}

func appendText(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // of text there is no error
	return append(dst, b...)
}

// appender gives what writes the values of a column.
func appender(n parquet.Node) func([]byte, parquet.Value) []byte {
	var logical any
	if t := n.Type().LogicalType(); t != nil {
		logical = t.Value
	}
	stamp, isStamp := logical.(*format.TimestampType)
	_, isDate := logical.(*format.DateType)
	integer, isInteger := logical.(*format.IntType)
	unsigned := isInteger && !integer.IsSigned
	switch kind := n.Type().Kind(); {
	case isStamp && kind == parquet.Int64:
		perSecond := int64(1e9)
		switch stamp.Unit.Value.(type) {
		case *format.MilliSeconds:
			perSecond = 1e3
		case *format.MicroSeconds:
			perSecond = 1e6
		}
		return func(dst []byte, v parquet.Value) []byte {
			n := v.Int64()
			return time.Unix(n/perSecond, n%perSecond*(1e9/perSecond)).UTC().AppendFormat(dst, `"2006-01-02T15:04:05.999999999Z"`)
		}
	case isDate && kind == parquet.Int32:
		return func(dst []byte, v parquet.Value) []byte {
			return time.Unix(int64(v.Int32())*86400, 0).UTC().AppendFormat(dst, `"2006-01-02"`)
		}
	case kind == parquet.Boolean:
		return func(dst []byte, v parquet.Value) []byte { return strconv.AppendBool(dst, v.Boolean()) }
	case unsigned && kind == parquet.Int32:
		return func(dst []byte, v parquet.Value) []byte { return strconv.AppendUint(dst, uint64(v.Uint32()), 10) }
	case unsigned && kind == parquet.Int64:
		return func(dst []byte, v parquet.Value) []byte { return strconv.AppendUint(dst, v.Uint64(), 10) }
	case kind == parquet.Int32:
		return func(dst []byte, v parquet.Value) []byte { return strconv.AppendInt(dst, int64(v.Int32()), 10) }
	case kind == parquet.Int64:
		return func(dst []byte, v parquet.Value) []byte { return strconv.AppendInt(dst, v.Int64(), 10) }
	case kind == parquet.Float || kind == parquet.Double:
		return func(dst []byte, v parquet.Value) []byte {
			f := v.Double()
			if kind == parquet.Float {
				f = float64(v.Float())
			}
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return append(dst, "null"...)
			}
			return strconv.AppendFloat(dst, f, 'g', -1, 64)
		}
	case kind == parquet.ByteArray || kind == parquet.FixedLenByteArray:
		return func(dst []byte, v parquet.Value) []byte { return appendText(dst, string(v.ByteArray())) }
	}
	return func(dst []byte, v parquet.Value) []byte { return appendText(dst, v.String()) }
}

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/portannot/portannot/annotate/record"
)

// kind is the type of a column.
type kind uint8

const (
	text     kind = iota
	longText      // text with few repetitions: addresses, hashes
	portKind      // 0 to 65535
	count         // 64 bits, not negative
	moment        // nanoseconds or microseconds since the Unix epoch, UTC
	truth         // true or false
	list          // of text, "|" between its elements
)

// ofTable are the types of the columns that portannot registry export writes,
// those that are not text.
var ofTable = map[string]kind{
	"port": portKind, "first_port": portKind, "last_port": portKind, "listed": truth, "names": list, "siblings": list,
}

// kindOf gives the type of a column: that of the record's field of this name, or
// of a column of the registry's table. All others are text.
func kindOf(name string) kind {
	f, ok := record.Lookup(name)
	if !ok {
		return ofTable[name]
	}
	switch f.Type {
	case record.Port:
		return portKind
	case record.Count:
		return count
	case record.Time:
		return moment
	case record.Bool:
		return truth
	case record.List:
		return list
	}
	if strings.HasSuffix(name, ".ip") || name == "network.community_id" {
		return longText
	}
	return text
}

// Rows are gathered and written in lots; a row group is what a reader skips or
// reads as a whole, and what bounds the writer's memory.
const (
	rowsAtOnce    = 1024
	rowsOfAGroup  = 1 << 18
	dictionaryMax = 1 << 20 // bytes; a column with more is written plain
)

// converter makes Parquet of CSV.
type converter struct {
	name    string
	micros  bool
	problem func(line int, err error)

	rows, bad int64
}

// column is one of the file's.
type column struct {
	name string
	kind kind
	leaf int // its number among the leaves of the schema
}

// convert reads CSV with a header and writes a Parquet file. A row that does
// not fit is reported to problem and left out; the error is that of reading or
// writing, or of a header that is none.
func (c *converter) convert(r io.Reader, w io.Writer) error {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: no header", c.name)
	} else if err != nil {
		return fmt.Errorf("read %s: %w", c.name, err)
	}
	columns, schema, err := c.schema(header)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.name, err)
	}
	out := parquet.NewWriter(w, schema,
		parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowsOfAGroup), parquet.DictionaryMaxBytes(dictionaryMax),
		parquet.CreatedBy("portannot-parquet", "1", ""),
		parquet.KeyValueMetadata("portannot.caveat", "registration-does-not-validate-traffic"))
	rows := make([]parquet.Row, 0, rowsAtOnce)
	flush := func() error {
		if _, err := out.WriteRows(rows); err != nil {
			return fmt.Errorf("write Parquet: %w", err)
		}
		c.rows += int64(len(rows))
		rows = rows[:0]
		return nil
	}
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			c.bad++
			c.problem(syntax.Line, syntax.Err)
			continue
		} else if err != nil {
			return fmt.Errorf("read %s: %w", c.name, err)
		}
		rows = rows[:len(rows)+1] // with the memory of the row that stood there
		row := &rows[len(rows)-1]
		if *row, err = c.row((*row)[:0], columns, cells); err != nil {
			rows = rows[:len(rows)-1]
			c.bad++
			line, _ := in.FieldPos(0)
			c.problem(line, err)
			continue
		}
		if len(rows) == rowsAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

// group is a message whose columns stay in the order of the CSV; the library's
// own orders them by name.
type group struct {
	parquet.Group
	order map[string]int
}

func (g group) Fields() []parquet.Field {
	fields := g.Group.Fields()
	sort.Slice(fields, func(i, j int) bool { return g.order[fields[i].Name()] < g.order[fields[j].Name()] })
	return fields
}

// schema makes the columns for a header.
func (c *converter) schema(header []string) ([]column, *parquet.Schema, error) {
	g := group{parquet.Group{}, map[string]int{}}
	var columns []column
	for i, name := range header {
		if _, again := g.order[name]; again || name == "" {
			return nil, nil, fmt.Errorf("column %d, %q: names must be there, and differ", i+1, name)
		}
		col := column{name, kindOf(name), i}
		g.order[col.name] = i
		g.Group[col.name] = c.node(col.kind)
		columns = append(columns, col)
	}
	return columns, parquet.NewSchema("portannot", g), nil
}

func (c *converter) node(k kind) parquet.Node {
	switch k {
	case longText:
		return parquet.Optional(parquet.String())
	case portKind:
		return parquet.Optional(parquet.Encoded(parquet.Uint(16), &parquet.Plain))
	case count:
		return parquet.Optional(parquet.Uint(64))
	case moment:
		if c.micros {
			return parquet.Optional(parquet.Timestamp(parquet.Microsecond))
		}
		return parquet.Optional(parquet.Timestamp(parquet.Nanosecond))
	case truth:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case list:
		return parquet.List(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
	}
	return parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
}

// row appends the values of a row.
func (c *converter) row(dst parquet.Row, columns []column, cells []string) (parquet.Row, error) {
	for i, col := range columns {
		cell := cells[i]
		if cell == "" {
			dst = append(dst, parquet.NullValue().Level(0, 0, col.leaf))
			continue
		}
		var v parquet.Value
		switch col.kind {
		case list:
			again := 0
			for element := range strings.SplitSeq(cell, "|") {
				dst = append(dst, parquet.ByteArrayValue([]byte(element)).Level(again, 1, col.leaf))
				again = 1
			}
			continue
		case portKind:
			n, err := strconv.ParseUint(cell, 10, 16)
			if err != nil {
				return dst, fmt.Errorf("%s %q: want a port, 0 to 65535", col.name, cell)
			}
			v = parquet.Int32Value(int32(n))
		case count:
			n, err := strconv.ParseUint(cell, 10, 64)
			if err != nil {
				return dst, fmt.Errorf("%s %q: want a number", col.name, cell)
			}
			v = parquet.Int64Value(int64(n)) // the same 64 bits
		case moment:
			t, err := time.Parse(time.RFC3339Nano, cell)
			if err != nil {
				return dst, fmt.Errorf("%s %q: want a time as RFC 3339 has it", col.name, cell)
			}
			if c.micros {
				v = parquet.Int64Value(t.UnixMicro())
			} else {
				v = parquet.Int64Value(t.UnixNano())
			}
		case truth:
			b, err := strconv.ParseBool(cell)
			if err != nil {
				return dst, fmt.Errorf("%s %q: want true or false", col.name, cell)
			}
			v = parquet.BooleanValue(b)
		default:
			v = parquet.ByteArrayValue([]byte(cell))
		}
		dst = append(dst, v.Level(0, 1, col.leaf))
	}
	return dst, nil
}

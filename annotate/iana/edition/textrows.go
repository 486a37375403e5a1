package edition

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRowLines bounds the height of a row. The highest of today has 22 lines.
const maxRowLines = 64

// What speaks against a way to cut a table into rows. Of all ways, the one of
// the smallest sum is taken. Only the order of magnitude matters:
const (
	// Two neighbours of one name, tcp and udp as a rule, that differ in a
	// column. Four in five pairs are alike in all of them.
	costSiblings = 1000
	// A line that ends although the next word would have fitted. The page
	// breaks some cells by hand (<br>).
	costShortLine = 800
	// A bracket that opens in one row and closes in another.
	costBracket = 400
	// A description with which the embedded edition does not have this row,
	// where another way gives the one it has.
	costUnknown = 200
	// A cell that ends in a word that cannot be the last, and one that starts
	// in lower case.
	costDangling  = 100
	costLowerCase = 30
	// Each line of a row, squared: rows of like height are likelier.
	costHeight = 1
)

// A way is one choice of the lines that belong to a row: so many above and
// below its anchor.
type way struct {
	up, down int
	cost     int // of this and the cheapest choices for all rows before
	prev     int // the way of the row before in that
	row      []string
}

// rows cuts the table into rows and yields the cells of each with the number of
// the line where it begins.
//
// A row of n lines has its anchor, as any cell of one line, on line (n-1)/2
// from its top, rounded down; and each cell is centred in the same manner. So a
// row with u lines above its anchor has u or u+1 below, and what is left of the
// lines up to the next anchor is above that. One free choice remains for each
// row; most turn out impossible further down, and where several are left, the
// costs decide. All is found in one pass over the anchors (Viterbi's
// algorithm), in time linear in the number of lines for rows of bounded height.
//
// pair gives the cost of two rows being neighbours. With a nil before it judges
// the row alone.
//
// Of the 14,533 rows of the edition of 2026-08-17, 1,506 have more than one
// possible way. All come out right with the help of the rows of the edition of
// 2024 (see costUnknown); without any, ten do not, of names without a port.
func (t *fixedTable) rows(isAnchor func(i int, row []string) bool, pair func(before, row []string) int, yield func(line int, row []string) error) error {
	var anchors []int
	for i := range t.lines {
		if isAnchor(i, t.row(i, i)) {
			if i-max(0, lastOf(anchors)) > maxRowLines {
				return t.src.errorf(t.first+i, "more than %d lines between two rows", maxRowLines)
			}
			anchors = append(anchors, i)
		}
	}
	if len(anchors) == 0 {
		return t.src.errorf(t.first, "the table has no row")
	}
	if len(t.lines)-lastOf(anchors) > maxRowLines {
		return t.src.errorf(t.first+lastOf(anchors), "more than %d lines in a row", maxRowLines)
	}

	ways := make([][]way, len(anchors))
	before := []way{{}}     // above the first row: nothing
	gapBefore := anchors[0] // lines between the anchor before and this one
	for k, anchor := range anchors {
		gapAfter := len(t.lines) - 1 - anchor
		if k+1 < len(anchors) {
			gapAfter = anchors[k+1] - anchor - 1
		}
		last := k+1 == len(anchors)
		ways[k] = t.waysOf(anchor, gapBefore, gapAfter, last, before, pair)
		if len(ways[k]) == 0 {
			return t.src.errorf(t.first+anchor, "the lines around this row cannot be shared out between rows: not the layout of the registry as plain text, or cut short")
		}
		for i := range before {
			before[i].row = nil // no longer of use
		}
		before, gapBefore = ways[k], gapAfter
	}

	best := 0
	final := ways[len(ways)-1]
	for i := range final {
		if final[i].cost < final[best].cost {
			best = i
		}
	}
	chosen := make([]way, len(anchors))
	for k := len(anchors) - 1; k >= 0; k-- {
		chosen[k] = ways[k][best]
		best = chosen[k].prev
	}
	for k, w := range chosen {
		top := anchors[k] - w.up
		if err := yield(t.first+top, t.row(top, anchors[k]+w.down)); err != nil {
			return err
		}
	}
	return nil
}

func lastOf(list []int) int {
	if len(list) == 0 {
		return -1
	}
	return list[len(list)-1]
}

// waysOf lists the possible ways of one row, each with the cheapest way of the
// row before that fits.
func (t *fixedTable) waysOf(anchor, gapBefore, gapAfter int, last bool, before []way, pair func(before, row []string) int) []way {
	var list []way
	for up := 0; up <= gapBefore; up++ {
		for down := up; down <= min(up+1, gapAfter); down++ {
			if last && down != gapAfter {
				continue
			}
			if !slices.ContainsFunc(before, func(w way) bool { return w.down == gapBefore-up }) {
				continue
			}
			own := 0
			if gapBefore+gapAfter > 0 {
				cost, ok := t.cost(anchor-up, anchor+down)
				if !ok {
					continue
				}
				own = cost
			}
			w := way{up: up, down: down, cost: math.MaxInt, row: t.row(anchor-up, anchor+down)}
			if gapBefore+gapAfter > 0 {
				own += pair(nil, w.row)
			}
			for i := range before {
				if b := &before[i]; b.down == gapBefore-up {
					c := b.cost + own
					if b.row != nil {
						c += pair(b.row, w.row)
					}
					if c < w.cost {
						w.cost, w.prev = c, i
					}
				}
			}
			list = append(list, w)
		}
	}
	return list
}

// row joins the lines from top to bottom in each column.
func (t *fixedTable) row(top, bottom int) []string {
	row := make([]string, len(t.starts))
	for col := range row {
		text := t.cell(top, col)
		for i := top + 1; i <= bottom; i++ {
			if s := t.cell(i, col); s != "" {
				if text != "" {
					text += " "
				}
				text += s
			}
		}
		row[col] = text
	}
	return row
}

// cost judges the lines from top to bottom as one row. ok is false when they
// cannot be one: some cell is not centred, or no cell is as high as the row.
func (t *fixedTable) cost(top, bottom int) (cost int, ok bool) {
	height := bottom - top + 1
	full := height == 1
	for col := range t.starts {
		first, last := -1, -1
		before, open := "", 0
		for i := range height {
			s := t.cell(top+i, col)
			if s != "" {
				if first < 0 {
					first = i
				}
				last = i
				open += strings.Count(s, "(") + strings.Count(s, "[") - strings.Count(s, ")") - strings.Count(s, "]")
				if before != "" {
					word, _, _ := strings.Cut(s, " ")
					if utf8.RuneCountInString(before)+1+utf8.RuneCountInString(word) <= t.widths[col] {
						cost += costShortLine
					}
				}
			}
			before = s
		}
		if first < 0 {
			continue
		}
		above, below := first, height-1-last
		if below != above && below != above+1 {
			return 0, false
		}
		full = full || above+below == 0
		if open != 0 {
			cost += costBracket
		}
	}
	return cost + costHeight*height*height, full
}

// danglingWords do not end a description.
var danglingWords = map[string]bool{
	"a": true, "an": true, "and": true, "as": true, "at": true, "between": true, "by": true, "for": true,
	"from": true, "in": true, "is": true, "of": true, "on": true, "or": true, "over": true, "the": true,
	"to": true, "used": true, "using": true, "via": true, "with": true, "-": true, "&": true, "/": true,
}

// siblingCost judges the text of rows of the registry and of their neighbours.
// known gives the rows of another edition; it is called only where there is a
// choice.
func siblingCost(known func() map[rowKey]bool) func(before, row []string) int {
	return func(before, row []string) int {
		cost := 0
		if before == nil {
			d := row[cellDescription]
			if d == "" {
				return 0
			}
			if !known()[rowKey{row[cellName], row[cellPort], row[cellTransport], d}] {
				cost += costUnknown
			}
			if d[0] >= 'a' && d[0] <= 'z' {
				cost += costLowerCase
			}
			if danglingWords[strings.ToLower(d[strings.LastIndexByte(d, ' ')+1:])] {
				cost += costDangling
			}
			return cost
		}
		if row[cellName] != before[cellName] || row[cellName] == "" && row[cellPort] != before[cellPort] {
			return 0
		}
		for _, col := range [...]int{cellDescription, cellAssignee, cellContact, cellReference, cellUnauthorized, cellNotes} {
			if row[col] != before[col] {
				cost += costSiblings
			}
		}
		return cost
	}
}

// contactCost judges the text of a row of the contact directory. The ID is made
// of the person's name, or of the organization's where there is no name:
// "[Adam_Golovenko]", with a number if there is another, "[Zhengli_2]".
func contactCost(before, row []string) int {
	if before != nil {
		return 0
	}
	id := letters(row[0])
	if id == letters(row[1]) || row[1] == "" && id == letters(row[2]) {
		return 0
	}
	return costUnknown
}

// letters keeps only the letters of a text, in lower case.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

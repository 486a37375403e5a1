package cli

import (
	"slices"
	"strings"
)

// maxNear is how many near words a message names.
const maxNear = 3

// Near gives the words that are nearest to one that is none of them: those that
// it begins, or else those that differ in the fewest letters, at most one in
// three of them; where these are more than three, those with its first letter.
// It gives none where that leaves more than three.
func Near(word string, words []string) []string {
	word = strings.ToLower(word)
	if len(word) == 0 || len(word) > 64 {
		return nil
	}
	var begun, near []string
	best := max(1, len(word)/3)
	for _, w := range words {
		lower := strings.ToLower(w)
		if lower == word {
			return []string{w}
		}
		if len(word) > 1 && strings.HasPrefix(lower, word) {
			begun = append(begun, w)
		}
		switch d := distance(word, lower); {
		case d >= len(word) || d >= len(w): // not a letter in common
		case d < best:
			best, near = d, []string{w}
		case d == best:
			near = append(near, w)
		}
	}
	if len(begun) > 0 {
		near = begun
	}
	if len(near) > maxNear {
		near = slices.DeleteFunc(near, func(w string) bool { return strings.ToLower(w)[0] != word[0] })
	}
	if len(near) > maxNear {
		return nil
	}
	return near
}

// distance counts the insertions, deletions, changes and exchanges of
// neighbours that make b of a.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// DidYouMean proposes the words nearest to one, each behind a prefix; empty if
// there are none.
func DidYouMean(prefix, word string, words []string) string {
	near := Near(word, words)
	if len(near) == 0 {
		return ""
	}
	proposed := make([]string, len(near))
	for i, w := range near {
		proposed[i] = prefix + w
	}
	return "did you mean " + Or(proposed...) + "?"
}

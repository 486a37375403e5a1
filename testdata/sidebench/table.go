package main

import (
	"fmt"
	"io"

	"github.com/portannot/portannot/annotate"
)

// result is how an answer compares with the truth.
type result uint8

const (
	right result = iota
	wrong
	abstained
	numResults
)

func score(got, want annotate.Side) result {
	switch got {
	case want:
		return right
	case annotate.Source, annotate.Destination:
		return wrong
	}
	return abstained
}

// tally counts results.
type tally [numResults]int

func (t *tally) add(r result) { t[r]++ }

func (t *tally) flows() int { return t[right] + t[wrong] + t[abstained] }

func (t *tally) percent(r result) float64 { return 100 * float64(t[r]) / float64(max(t.flows(), 1)) }

// table holds the results of one variant.
type table struct {
	ours   tally
	byRule []tally // by annotate.Reason
	peers  []tally // as the list peers
}

func newTable() *table {
	n := 0
	for annotate.Reason(n).Why() != "" {
		n++
	}
	return &table{byRule: make([]tally, n), peers: make([]tally, len(peers))}
}

func (t *table) write(w io.Writer) {
	fmt.Fprintf(w, "| rule of | flows | right | wrong | abstained | wrong + abstained |\n|---|---|---|---|---|---|\n")
	row := func(name string, c *tally) {
		fmt.Fprintf(w, "| %s | %d | %.2f%% | %.2f%% | %.2f%% | %.2f%% |\n", name, c.flows(), c.percent(right), c.percent(wrong), c.percent(abstained), c.percent(wrong)+c.percent(abstained))
	}
	row("portannot", &t.ours)
	for i := range t.peers {
		row(peers[i].name, &t.peers[i])
	}
	fmt.Fprintf(w, "\n| portannot's reason | flows | right | wrong | abstained |\n|---|---|---|---|---|\n")
	for i := range t.byRule {
		if c := &t.byRule[i]; c.flows() > 0 {
			fmt.Fprintf(w, "| `%v` | %d | %d | %d | %d |\n", annotate.Reason(i), c.flows(), c[right], c[wrong], c[abstained])
		}
	}
}

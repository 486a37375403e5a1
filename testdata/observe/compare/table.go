package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/observe"
)

// judgement says of the flows of one capture that ours alone gives one name
// whether their packets bear it out.
type judgement struct{ file, protocol string }

// readJudged reads protocol, capture, "right" or "wrong", and why.
func readJudged(path string) (map[judgement]bool, error) {
	judged := map[judgement]bool{}
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return judged, nil
	}
	number := 0
	var bad error
	err := lines(path, func(l string) {
		number++
		if l == "" || l[0] == '#' || bad != nil {
			return
		}
		c := strings.Split(l, "\t")
		if len(c) != 4 || c[2] != "right" && c[2] != "wrong" || c[3] == "" {
			bad = fmt.Errorf("%s:%d: want protocol, capture, right or wrong, and why", path, number)
			return
		}
		judged[judgement{c[1], c[0]}] = c[2] == "right"
	})
	if err == nil {
		err = bad
	}
	return judged, err
}

// score counts flows of a protocol.
type score struct {
	truth               int // that are the protocol
	ours, oursRight     int
	ndpi, ndpiRight     int
	full, fullRight     int
	looked              int // that were judged by hand
	alone, missed, only []*flow
}

func table(all []*flow, judged map[judgement]bool, list string) {
	scores := map[string]*score{}
	for i := range names {
		scores[names[i].ours] = &score{}
	}
	for _, f := range all {
		if f.Payloads == 0 {
			continue
		}
		for i := range names {
			scores[names[i].ours].count(f, i, judged)
		}
	}
	fmt.Println("| protocol | flows | ours | right | by hand | full | right | precision | recall | nDPI | right | precision | recall |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for i := range names {
		s := scores[names[i].ours]
		if s.truth == 0 && s.ours == 0 && s.ndpi == 0 {
			continue
		}
		fmt.Printf("| %s | %d | %d | %d | %d | %d | %d | %s | %s | %d | %d | %s | %s |\n", names[i].ours, s.truth,
			s.ours, s.oursRight, s.looked, s.full, s.fullRight, ratio(s.oursRight, s.ours), ratio(s.oursRight, s.truth),
			s.ndpi, s.ndpiRight, ratio(s.ndpiRight, s.ndpi), ratio(s.ndpiRight, s.truth))
	}
	for i := range names {
		if list != "all" && list != names[i].ours {
			continue
		}
		s := scores[names[i].ours]
		for _, part := range []struct {
			title string
			flows []*flow
		}{{"only ours says", s.alone}, {"ours misses", s.missed}, {"only nDPI says", s.only}} {
			if len(part.flows) == 0 {
				continue
			}
			fmt.Printf("\n## %s %s: %d\n", part.title, names[i].ours, len(part.flows))
			for _, f := range part.flows {
				f.print()
			}
		}
	}
}

// count enters a flow under protocol number i of names.
func (s *score) count(f *flow, i int, judged map[judgement]bool) {
	ours, ndpi, tshark := f.said()
	name := names[i].ours
	if name == "smb" && f.Key.Protocol != 6 {
		return // announcements inside NetBIOS datagrams, which they are here
	}
	if name == "tls" && ours != name && f.Ours.Upgrade {
		return // TLS from where the flow asks for it on
	}
	o, n, t := ours == name, slices.Contains(ndpi, name), slices.Contains(tshark, name)
	// nDPI has one name for several of ours: it means the one that another
	// voice names, or else all.
	if n && !o && !t {
		for _, p := range append(tshark, ours) {
			if p != name && slices.Contains(ndpi, p) {
				n = false
			}
		}
	}
	truth := o && (n || t) || n && t
	if o && !truth {
		if right, ok := judged[judgement{f.File, name}]; ok {
			truth = right
			s.looked++
		} else {
			s.alone = append(s.alone, f)
		}
	}
	if truth {
		s.truth++
	}
	if o {
		s.ours++
		if truth {
			s.oursRight++
		}
		if f.Ours.Strength == observe.Full {
			s.full++
			if truth {
				s.fullRight++
			}
		}
	} else if truth {
		s.missed = append(s.missed, f)
	}
	if n {
		s.ndpi++
		if truth {
			s.ndpiRight++
		} else {
			s.only = append(s.only, f)
		}
	}
}

// recentTable sets the protocols that were added last beside each of the two other
// tools. One of them is enough here to make a flow of ours right: they are in the
// ports of nobody else. A flow that ours does not name is the protocol if both say
// so, or one does and its packets were looked at (judged.tsv). What nobody confirms
// or looked at is printed.
func recentTable(all []*flow, judged map[judgement]bool) {
	first := slices.IndexFunc(names, func(n voices) bool { return n.ours == "dcerpc" })
	fmt.Println("| protocol | flows | ours | right | by hand | precision | recall | nDPI | recall | tshark | recall |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	var positives, right int
	var open []*flow
	for i := first; i < len(names); i++ {
		name := names[i].ours
		var s, ndpi, tshark score
		for _, f := range all {
			if f.Payloads == 0 {
				continue
			}
			ours, n, t := f.saysOf(i)
			if !ours && !n && !t || !ours && f.Ours.Protocol == observe.SMB {
				continue // in a pipe
			}
			truth := ours && (n || t) || n && t
			if !truth {
				ok := false
				if truth, ok = judged[judgement{f.File, name}]; ok {
					s.looked++
				} else {
					open = append(open, f)
				}
			}
			for _, v := range [...]struct {
				says bool
				s    *score
			}{{ours, &s}, {n, &ndpi}, {t, &tshark}} {
				if v.says {
					v.s.ours++
					if truth {
						v.s.oursRight++
					}
				}
			}
			if truth {
				s.truth++
			}
		}
		positives, right = positives+s.ours, right+s.oursRight
		column := func(tool string, t score) string {
			if tool == "" {
				return "– | –"
			}
			return fmt.Sprintf("%d | %s", t.ours, ratio(t.oursRight, s.truth))
		}
		fmt.Printf("| %s | %d | %d | %d | %d | %s | %s | %s | %s |\n", name, s.truth, s.ours, s.oursRight, s.looked,
			ratio(s.oursRight, s.ours), ratio(s.oursRight, s.truth), column(names[i].ndpi, ndpi), column(names[i].tshark, tshark))
	}
	fmt.Printf("| all | | %d | %d | | %s | | | | | |\n", positives, right, ratio(right, positives))
	for _, f := range open {
		f.print()
	}
}

// saysOf says who names a flow protocol number i of names.
func (f *flow) saysOf(i int) (o, n, t bool) {
	ours, ndpi, tshark := f.said()
	name := names[i].ours
	o, n, t = ours == name, slices.Contains(ndpi, name), slices.Contains(tshark, name)
	// A tool may have one name for several of ours: it means the one that another
	// voice names, or else all.
	for _, of := range [...]struct {
		says *bool
		what []string
	}{{&n, ndpi}, {&t, tshark}} {
		if *of.says && !o && ours != "" && slices.Contains(of.what, ours) {
			*of.says = false
		}
	}
	return o, n, t
}

func ratio(a, b int) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.4f", float64(a)/float64(b))
}

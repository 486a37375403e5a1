package edition

import (
	"cmp"
	"slices"

	"github.com/portannot/portannot/annotate/iana"
)

// Step is what an edition changed in the one before.
type Step struct {
	Edition string   // its date
	Changes []Change // in the order of [Compare]; may be empty
}

// History returns what the known editions of the embedded history changed, the
// oldest first: those later than the day from and not later than the day to, both
// in the form 2018-01-31. An empty day stands for the first or for the last known
// edition.
//
// What is compared is the same as in [Compare]. So the steps from a day to another
// lead from one edition to the other, but a change that was taken back is in
// two of them.
func History(from, to string) []Step {
	type place struct {
		t    iana.Transport
		port uint16
	}
	from = cmp.Or(from, iana.FirstKnown())
	known := map[place][]Change{}
	var steps []Step
	for _, v := range iana.Revisions() {
		if v.Edition <= from || to != "" && v.Edition > to {
			continue
		}
		s := Step{Edition: v.Edition}
		for _, port := range v.Ports {
			for _, t := range iana.Transports() {
				at := place{t, port}
				changes, ok := known[at]
				if !ok {
					changes = PortChanges(t, port)
					known[at] = changes
				}
				for _, c := range changes {
					if c.New.Edition().Date == v.Edition {
						s.Changes = append(s.Changes, c)
					}
				}
			}
		}
		for _, n := range v.Removed {
			s.Changes = append(s.Changes, Change{Kind: Removed, Transport: n.Transport, Name: n.Name})
		}
		for _, n := range v.Added {
			s.Changes = append(s.Changes, Change{Kind: Added, Transport: n.Transport, Name: n.Name})
		}
		if n := len(steps); n > 0 && steps[n-1].Edition == v.Edition {
			s = join(steps[n-1], s)
			steps = steps[:n-1]
		}
		sortChanges(s.Changes)
		steps = append(steps, s)
	}
	return steps
}

// join makes one step of two editions of the same day. The changes of a port are
// those of the day, and so in both.
func join(a, b Step) Step {
	for _, c := range b.Changes {
		if c.HasPort && slices.ContainsFunc(a.Changes, func(o Change) bool { return o == c }) {
			continue
		}
		a.Changes = append(a.Changes, c)
	}
	return a
}

// sortChanges puts changes into the order of Compare.
func sortChanges(list []Change) {
	slices.SortStableFunc(list, func(a, b Change) int {
		switch {
		case a.HasPort != b.HasPort:
			if a.HasPort {
				return -1
			}
			return 1
		case a.HasPort:
			return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Transport, b.Transport))
		}
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Transport, b.Transport))
	})
}

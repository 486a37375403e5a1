package review

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// claim is a finding that is not yet put into words, or one that is. Words take
// a hundred times the memory, and most of the time of a report.
type claim struct {
	service *service
	pair    *unsided
	words   *Finding
}

// findings are those of a report by level and kind, each list in the order in
// which they were found.
type findings [numLevels][numKinds][]claim

func (f *findings) add(l Level, k Kind, x claim) { f[l][k] = append(f[l][k], x) }

// join adds those of parts, in their order.
func (f *findings) join(parts []finder) {
	for l := range f {
		for k := range f[l] {
			n := 0
			for i := range parts {
				n += len(parts[i].findings[l][k])
			}
			f[l][k] = slices.Grow(f[l][k], n)
			for i := range parts {
				f[l][k] = append(f[l][k], parts[i].findings[l][k]...)
			}
		}
	}
}

// inOrder goes through the lists, the gravest first.
func (f *findings) inOrder(visit func(l Level, k Kind, list []claim)) {
	for l := numLevels - 1; l > NoLevel; l-- {
		for k, list := range f[l] {
			if len(list) > 0 {
				visit(l, Kind(k), list)
			}
		}
	}
}

// Unlisted counts the findings of a kind and level that a report leaves out.
type Unlisted struct {
	Kind  Kind  `json:"kind"`
	Level Level `json:"level"`
	Count int   `json:"count"`
}

// whole is what a report has to say, before it is put into words.
type whole struct {
	finder   *finder
	list     []claim
	kinds    []Kind // of list
	services []*service
	// compared are the findings about services and the baseline.
	compared  map[*service][]*Finding
	hasPolicy bool
	// allClients names all clients of services.
	allClients bool
}

// gather puts the findings in order, all of them or so many of each kind and
// level, and makes sure that each identifier is there once: only those that
// are in words can be about the same. It counts those that are left out, and groups
// all by port if that is asked for.
func (w *whole) gather(most int, byPort bool) (left []Unlisted, groups []FindingGroup) {
	seen := map[string]int{}
	w.finder.inOrder(func(l Level, k Kind, list []claim) {
		for i := range list {
			x := list[i].words
			if x == nil {
				continue
			}
			if seen[x.ID]++; seen[x.ID] > 1 {
				x.ID += "#" + itoa(seen[x.ID])
			}
			if s := list[i].service; s != nil {
				w.compared[s] = append(w.compared[s], x)
			}
		}
		if byPort {
			groups = append(groups, grouped(l, k, list)...)
		}
		if n := len(list) - most; most > 0 && n > 0 {
			left = append(left, Unlisted{k, l, n})
			if byPort {
				list = shared(list, most)
			} else {
				list = list[:most]
			}
		}
		w.list = append(w.list, list...)
		for range list {
			w.kinds = append(w.kinds, k)
		}
	})
	return left, groups
}

// finding puts finding i into words.
func (w *whole) finding(i int, x *Finding) {
	switch y := &w.list[i]; {
	case y.words != nil:
		*x = *y.words
	case y.pair != nil:
		y.pair.say(x)
	default:
		w.finder.say(y.service, w.kinds[i], x)
	}
}

// service puts service s into words, with the identifiers of the findings about it
// in the order of reports.
func (w *whole) service(s *service, out *Service) {
	s.report(out, w.hasPolicy, w.allClients)
	list, compared := out.Findings[:0], w.compared[s]
	out.Findings = nil
	if s.kinds == 0 && len(compared) == 0 {
		return
	}
	id := s.key.String()
	for l := numLevels - 1; l > NoLevel; l-- {
		for k := range numKinds {
			if s.kinds>>k&1 != 0 && s.levelOf(k) == l {
				list = append(list, k.String()+":"+id)
			}
			for _, x := range compared {
				if x.Kind == k && x.Level == l {
					list = append(list, x.ID)
				}
			}
		}
		if len(list) > 0 {
			out.Highest = max(out.Highest, l)
		}
	}
	out.Findings = list
}

// isFound reports whether there is a finding about the service.
func (s *service) isFound() bool { return s.kinds != 0 || s.compared }

// inParallel calls do for all of n things, in parts for several goroutines.
func inParallel(n, each int, do func(from, to int)) {
	var wait sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), (n+each-1)/each) {
		wait.Go(func() {
			for {
				from := int(next.Add(int64(each))) - each
				if from >= n {
					return
				}
				do(from, min(from+each, n))
			}
		})
	}
	wait.Wait()
}

// sorted lists the services by address, port and transport; of all, those that
// keep keeps, if it is not nil.
func (c *Collector) sorted(keep func(*service) bool) []*service {
	// The places are compared where they lie together: each service is a wait
	// for memory.
	type item struct {
		place   place
		service *service
	}
	items := make([]item, 0, c.services)
	c.each(func(s *service) {
		if keep == nil || keep(s) {
			items = append(items, item{s.place, s})
		}
	})
	compare := func(a, b item) int { return a.place.compare(&b.place) }
	// Each part is sorted alone, then they are merged, two by two.
	part := max((len(items)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0), together)
	inParallel(len(items), part, func(from, to int) { slices.SortFunc(items[from:to], compare) })
	for ; part < len(items); part *= 2 {
		merged := make([]item, len(items))
		inParallel(len(items), 2*part, func(from, to int) {
			middle := min(from+part, to)
			a, b, out := items[from:middle], items[middle:to], merged[from:from]
			for len(a) > 0 && len(b) > 0 {
				if compare(a[0], b[0]) <= 0 {
					out, a = append(out, a[0]), a[1:]
				} else {
					out, b = append(out, b[0]), b[1:]
				}
			}
			_ = append(append(out, a...), b...)
		})
		items = merged
	}
	list := make([]*service, len(items))
	for i := range items {
		list[i] = items[i].service
	}
	return list
}

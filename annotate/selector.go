package annotate

import (
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// Selector picks the flows that match every field that is not empty. A flow
// matches a field if it matches one of the field's values. The zero value picks
// every flow.
type Selector struct {
	Protocols []uint8     // IP protocol numbers
	Ports     []iana.Span // of either end
	// Statuses and Services look at the service port, or at both ports when
	// no side is known.
	Statuses []iana.Status
	Services []string // registered or local names, in any case
	// Observed and Verdicts look at the payload. A flow whose payload was not
	// looked at matches neither.
	Observed []observe.Protocol
	Verdicts []observe.Verdict
	// Unexpected picks the flows of which [Annotation.Unexpected] is true.
	Unexpected bool
	// Since and Until pick the flows that began at Since or later, and before
	// Until, in nanoseconds since the Unix epoch; 0 is no bound. A flow whose
	// beginning is not known is not picked.
	Since, Until int64
}

// Empty reports whether the selector picks every flow.
func (s *Selector) Empty() bool {
	return len(s.Protocols) == 0 && len(s.Ports) == 0 && len(s.Statuses) == 0 && len(s.Services) == 0 &&
		len(s.Observed) == 0 && len(s.Verdicts) == 0 && !s.Unexpected && s.Since == 0 && s.Until == 0
}

// Match reports whether a flow and its annotation are picked.
func (s *Selector) Match(f *flow.Flow, a *Annotation) bool {
	return s.match(f.Protocol, f.Source.Port(), f.Destination.Port(), f.Start(), a)
}

// MatchInput is Match for a flow that does not come from a capture. A port that
// was not reported is none.
func (s *Selector) MatchInput(in *Input, a *Annotation) bool {
	return s.match(in.Protocol, in.Source.Port(), in.Destination.Port(), in.Start, a)
}

func (s *Selector) match(protocol uint8, src, dst uint16, start int64, a *Annotation) bool {
	if s.Since != 0 && (start == 0 || start < s.Since) || s.Until != 0 && (start == 0 || start >= s.Until) {
		return false
	}
	if s.Unexpected && !a.Unexpected() {
		return false
	}
	if len(s.Protocols) > 0 && !slices.Contains(s.Protocols, protocol) {
		return false
	}
	if len(s.Ports) > 0 && !slices.ContainsFunc(s.Ports, func(p iana.Span) bool {
		return !a.NoSourcePort && p.Contains(src) || !a.NoDestinationPort && p.Contains(dst)
	}) {
		return false
	}
	if len(s.Observed) > 0 && !(a.Observed.Examined && slices.Contains(s.Observed, a.Observed.Protocol)) {
		return false
	}
	if len(s.Verdicts) > 0 && !(a.Observed.Examined && slices.Contains(s.Verdicts, a.Observed.Verdict)) {
		return false
	}
	return s.matchEnd(a, Source) || s.matchEnd(a, Destination)
}

// Unexpected reports whether the service port is known not to be assigned for the
// transport. Where the service end is not known, neither port may be assigned.
func (a *Annotation) Unexpected() bool {
	if e := a.ServiceEntry(); e != nil {
		return Unexpected(e)
	}
	return a.Service.Side == NoSide && !a.NoSourcePort && !a.NoDestinationPort && Unexpected(&a.Source) && Unexpected(&a.Destination)
}

// Unexpected reports a port that is known not to be assigned.
func Unexpected(e *iana.Entry) bool { return e.Status != iana.Assigned && e.Status != iana.Unknown }

// matchEnd applies Statuses and Services to one end, if that may be the service.
func (s *Selector) matchEnd(a *Annotation, end Side) bool {
	if side := a.Service.Side; side == Source && end == Destination || side == Destination && end == Source {
		return false
	}
	e, local := &a.Source, a.SourceLocal
	if end == Destination {
		e, local = &a.Destination, a.DestinationLocal
	}
	if len(s.Statuses) > 0 && !slices.Contains(s.Statuses, e.Status) {
		return false
	}
	return len(s.Services) == 0 || slices.ContainsFunc(s.Services, func(name string) bool {
		if local != "" && strings.EqualFold(local, name) {
			return true
		}
		for i := range e.NumNames() {
			if strings.EqualFold(e.NameAt(i), name) {
				return true
			}
		}
		return false
	})
}

package rules

import "slices"

// service is a transport with ranges of its ports, as readers of objects and
// groups of services collect them.
type service struct {
	any          bool // whatever protocol; ports are any too
	proto        uint64
	sport, dport term
	unsure       bool // it is not known which it is
}

var anyPort = term{any: true}

// portProtocols have ports.
var portProtocols = []uint64{protoTCP, protoUDP, protoDCCP, protoSCTP, protoUDPLite}

// oneOf makes a condition that a field is among terms; nil if one of them is any.
func oneOf(f field, terms ...term) *condition {
	e := new(elements)
	for _, t := range terms {
		if t.any {
			return nil
		}
		e.all = append(e.all, element{terms: []term{t}})
	}
	e.order()
	return &condition{exprs: []expr{{field: f}}, elements: e}
}

// conditions makes the conditions under which a packet is of one of the services:
// none if all are.
func conditions(list []service) []*condition {
	if len(list) == 0 || slices.ContainsFunc(list, func(s service) bool { return s.any && !s.unsure }) {
		return nil
	}
	if protos, ports, ok := product(list); ok {
		all := []*condition{oneOf(protocolField, protos...), oneOf(sourcePortField, list[0].sport), oneOf(destinationPortField, ports...)}
		return slices.DeleteFunc(all, func(c *condition) bool { return c == nil })
	}
	plain, portless := true, true // a condition with fewer fields can say it
	for _, s := range list {
		plain = plain && s.sport.any
		portless = portless && s.sport.any && s.dport.any
	}
	c := &condition{exprs: []expr{{field: protocolField}, {field: destinationPortField}, {field: sourcePortField}}, elements: new(elements)}
	switch {
	case portless:
		c.exprs = c.exprs[:1]
	case plain:
		c.exprs = c.exprs[:2]
	}
	for _, s := range list {
		proto := single(number(s.proto))
		if s.any {
			proto = term{any: true}
		}
		terms := []term{proto, s.dport, s.sport}[:len(c.exprs)]
		c.elements.all = append(c.elements.all, element{terms: terms, unsure: s.unsure})
		if s.unsure {
			c.stated = "a service that is not known"
		}
	}
	return []*condition{c}
}

// product reports services that are all of some protocols at all of some ports, so
// that a condition a field says it.
func product(list []service) (protos, ports []term, ok bool) {
	of := map[uint64][]term{}
	for _, s := range list {
		if s.any || s.unsure || s.sport != list[0].sport {
			return nil, nil, false
		}
		if _, seen := of[s.proto]; !seen {
			protos = append(protos, single(number(s.proto)))
		}
		of[s.proto] = append(of[s.proto], s.dport)
	}
	ports = of[list[0].proto]
	for _, p := range of {
		if !slices.Equal(p, ports) {
			return nil, nil, false
		}
	}
	return protos, ports, true
}

package flow

// Peek gives what can be had of flow i, from 0, in a fraction of the time that Fill
// takes: whether its opening says which side is the server (Flow.Opening), its
// protocol, and the ports of both ends in no order. It is for going through millions
// of flows for a few, and may be called when Fill may.
func (r *Results) Peek(i int) (opened bool, protocol uint8, ports [2]uint16) {
	ref := r.ref(i)
	var o opening
	if ref.v6 {
		e := r.t.v6.at(ref.index)
		o, protocol, ports = e.opening, uint8(e.key[4]>>24), [2]uint16{uint16(e.key[4] >> 48), uint16(e.key[4] >> 32)}
	} else {
		e := r.t.v4.at(ref.index)
		o, protocol, ports = e.opening, uint8(e.key.lo>>48), [2]uint16{uint16(e.key.lo), uint16(e.key.hi)}
	}
	s := o & (openServerA | openServerB)
	return s == openServerA || s == openServerB, protocol, ports
}

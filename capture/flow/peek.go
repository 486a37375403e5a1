package flow

// Peek returns some of flow i, from 0 to Len()-1, in a fraction of the time that Fill
// takes: whether Flow.Opening has a server, the protocol, and the ports of both ends in
// no order. It serves to find a few flows among millions. Several goroutines may call it
// at once.
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

package flow

// Glance gives what an entry alone tells of flow i, from 0, for those who look
// through millions for a few: whether its opening says which side is the server
// (Flow.Opening), its protocol, and the ports of both ends in no order. It takes a fraction
// of the time of Fill, and may be called as Fill may.
func (r *Results) Glance(i int) (opened bool, protocol uint8, ports [2]uint16) {
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

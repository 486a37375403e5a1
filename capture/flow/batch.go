package flow

// Batch holds copies of flows, which stay valid when the Flows they were made of no
// longer are.
type Batch struct {
	flows []Flow
	bytes []byte   // what their payloads and notes point to
	ppids []uint32 // likewise
}

// Add appends a copy of f.
func (b *Batch) Add(f *Flow) {
	b.flows = append(b.flows, *f)
	c := &b.flows[len(b.flows)-1]
	c.Note = b.keep(f.Note)
	for i := range c.Payload {
		p := &c.Payload[i]
		p.Data, p.Heads = b.keep(p.Data), b.keep(p.Heads)
	}
	if n := len(b.ppids); len(f.PPIDs) > 0 {
		b.ppids = append(b.ppids, f.PPIDs...)
		c.PPIDs = b.ppids[n:len(b.ppids):len(b.ppids)]
	}
}

// keep copies bytes. Where that needs a larger array, the copies before go on pointing
// into the old one.
func (b *Batch) keep(p []byte) []byte {
	if len(p) == 0 {
		return p
	}
	n := len(b.bytes)
	b.bytes = append(b.bytes, p...)
	return b.bytes[n:len(b.bytes):len(b.bytes)]
}

// Len returns the number of flows.
func (b *Batch) Len() int { return len(b.flows) }

// At returns flow i, from 0 to Len()-1, valid until Reset.
func (b *Batch) At(i int) *Flow { return &b.flows[i] }

// Reset removes the flows.
func (b *Batch) Reset() { b.flows, b.bytes, b.ppids = b.flows[:0], b.bytes[:0], b.ppids[:0] }

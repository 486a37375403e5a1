package flowlog

import "bytes"

// BlockKind says where the records of a block of output end.
type BlockKind uint8

// The kinds of blocks.
const (
	Lines  BlockKind = iota // each line is a record; a last one may lack its newline
	Whole                   // records end at the end of the block, and anywhere in it
	Header                  // lines that say what the next lines hold; no records
	Part                    // part of a line that is too long, but not its end; or a byte order mark
)

// BlockWriter is an output that must know where records end. If the output of an
// Enricher has this method, the Enricher calls it instead of Write.
type BlockWriter interface {
	WriteBlock(p []byte, kind BlockKind) error
}

// write writes what a worker made of a block.
func (e *Enricher) write(b *block) error {
	kind := Lines
	switch _, spans := b.layout.(spanning); {
	case b.header:
		kind = Header
	case b.raw && !b.overlong, b.overlong && !bytes.HasSuffix(b.out, newline):
		kind = Part
	case spans && !b.raw && (e.opt.Output == Same || e.opt.Strip):
		kind = Whole
	}
	return e.writeBlock(b.out, kind)
}

func (e *Enricher) writeBlock(p []byte, kind BlockKind) error {
	if w, ok := e.w.(BlockWriter); ok {
		return w.WriteBlock(p, kind)
	}
	_, err := e.w.Write(p)
	return err
}

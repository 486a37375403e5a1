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

// Block describes what is written at once.
type Block struct {
	Kind BlockKind
	// Offset is how much of the log it is the end of, in bytes, decompressed. The
	// header of CSV has none: 0.
	Offset int64
}

// BlockWriter is an output that must know where records end. If the output of an
// Enricher has this method, the Enricher calls it instead of Write, also for blocks of
// which nothing is written.
type BlockWriter interface {
	WriteBlock(p []byte, b Block) error
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
	return e.writeBlock(b.out, Block{kind, b.end})
}

func (e *Enricher) writeBlock(p []byte, b Block) error {
	if w, ok := e.w.(BlockWriter); ok {
		return w.WriteBlock(p, b)
	}
	if len(p) == 0 {
		return nil
	}
	_, err := e.w.Write(p)
	return err
}

// Add adds the counts of o.
func (s *Stats) Add(o *Stats) { s.add(o) }

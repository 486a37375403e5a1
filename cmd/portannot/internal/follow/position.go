package follow

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"
)

// Position is a place in a log that was rotated perhaps.
type Position struct {
	Device   uint64    `json:"device"`
	Inode    uint64    `json:"inode"`
	Offset   int64     `json:"offset"` // bytes that are done with, decompressed
	Header   int64     `json:"header"` // bytes at the beginning that say how to read the rest
	Head     string    `json:"head"`   // SHA-256 of the first HeadSize bytes
	HeadSize int       `json:"head_size"`
	Modified time.Time `json:"modified"` // of the file, when this was written
}

// headSize is how many bytes a file is known by.
const headSize = 512

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// isAt reports that a file begins as the one of the position.
func (p *Position) isAt(r io.Reader) bool {
	if p.HeadSize < 0 || p.HeadSize > headSize {
		return false
	}
	b := make([]byte, p.HeadSize)
	_, err := io.ReadFull(r, b)
	return err == nil && hashOf(b) == p.Head
}

package capture

import (
	"bytes"
	"fmt"
	"io"

	"github.com/portannot/portannot/capture/unpack"
)

// unpack puts the decompressor in front of what the window holds and of what
// follows it. The stream begins anew with decompressed bytes.
func (s *stream) unpack(p *unpack.Format) (err error) {
	in := s.src
	in.packed = p.Name
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("decompressor failed: %v", v)
		}
	}()
	r, release, err := p.Open(io.MultiReader(bytes.NewReader(bytes.Clone(s.win)), in.raw))
	if err != nil {
		return err
	}
	in.r, in.unzip, in.delivered = r, release, 0
	s.win, s.off, s.err = nil, 0, nil
	return nil
}

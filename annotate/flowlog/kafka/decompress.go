package kafka

import (
	"errors"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of what is decompressed. A batch of a few thousand bytes can become
// gigabytes, and one fetch has room for hundreds of such batches.
const (
	maxBatchBytes  = 64 << 20  // of one batch; a larger one is left out
	maxExpandBytes = 128 << 20 // of all batches that wait to be taken
)

// decompressor bounds what the batches that were fetched and wait take together.
// When they take too much, the rest of a fetch is left unread, and is fetched
// again later.
type decompressor struct {
	kgo.Decompressor              // bounds one batch
	waiting          atomic.Int64 // bytes
}

// errExpanded is the error of a batch for which there is no room now.
var errExpanded = errors.New("decompressed batches fill the memory for them")

func newDecompressor() (*decompressor, error) {
	// The library's decompressor with a bound is had from a client only, which
	// connects to nobody.
	cl, err := kgo.NewClient(kgo.MaxDecompressBatchBytes(maxBatchBytes))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	bounded, ok := cl.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		return nil, errors.New("the client library gives no decompressor")
	}
	return &decompressor{Decompressor: bounded}, nil
}

func (d *decompressor) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if codec == kgo.CodecNone {
		return src, nil
	}
	if d.waiting.Load() >= maxExpandBytes {
		return nil, errExpanded
	}
	b, err := d.Decompressor.Decompress(src, codec)
	d.waiting.Add(int64(len(b)))
	return b, err
}

// taken is told how many bytes wait still, when others were taken. What is
// decompressed at the same time is not among them, and so is not counted: twice
// the bound may be reached.
func (d *decompressor) taken(left int64) { d.waiting.Store(left) }

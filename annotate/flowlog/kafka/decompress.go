package kafka

import (
	"errors"
	"sync/atomic"
	"time"

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
	tooLarge         atomic.Int64 // batches that are
	told             int64        // those of them that poll gave
	untold           time.Time    // since when there are others; zero: there are none
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
	if errors.Is(err, kgo.ErrMaxDecompress) {
		d.tooLarge.Add(1)
	}
	return b, err
}

// forgottenAfter is how long it takes a batch that is too large to come out of poll, at
// the very most.
const forgottenAfter = 2 * time.Second

// forgotten reports that poll will not give a batch that is too large. The client reads
// no more of a partition then. It tells of the batch once, and not even that when the
// offset of another partition was set meanwhile: only another client reads on.
func (d *decompressor) forgotten() bool {
	switch {
	case d.tooLarge.Load() <= d.told:
		d.untold = time.Time{}
	case d.untold.IsZero():
		d.untold = time.Now()
	}
	return !d.untold.IsZero() && time.Since(d.untold) > forgottenAfter
}

// restart is told that there is another client.
func (d *decompressor) restart() {
	d.tooLarge.Store(0)
	d.told, d.untold = 0, time.Time{}
}

// taken is told how many bytes wait still, when others were taken. What is
// decompressed at the same time is not among them, and so is not counted: twice
// the bound may be reached.
func (d *decompressor) taken(left int64) { d.waiting.Store(left) }

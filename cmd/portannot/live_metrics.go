package main

import (
	"sync/atomic"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// streamMetrics show what a live run, or one that follows a capture, is doing. The
// run puts a copy of its counts here once a second, and clients read that.
type streamMetrics struct {
	bytes atomic.Uint64 // on the wire, of the packets read
	shown atomic.Pointer[streamAccount]
}

type streamAccount struct {
	meter  meter.Stats
	tally  tally
	system *capture.LiveStats // nil for files
}

// show puts the counts there. It is called by a tick of the meter.
func (s *streamMetrics) show(m *meter.Meter, out *writer, system *capture.LiveStats) {
	s.shown.Store(&streamAccount{m.Stats(), out.tally, system})
}

// of counts the bytes of a source.
func (s *streamMetrics) of(src capture.Source) capture.Source { return &countedSource{src, &s.bytes} }

type countedSource struct {
	capture.Source
	bytes *atomic.Uint64
}

func (c *countedSource) Next(dst []capture.Packet) (int, error) {
	n, err := c.Source.Next(dst)
	var bytes uint64
	for i := range dst[:n] {
		bytes += uint64(dst[i].Length)
	}
	c.bytes.Add(bytes)
	return n, err
}

// write gives the metrics.
func (s *streamMetrics) write(w *metrics.Writer) {
	a := s.shown.Load()
	if a == nil {
		a = new(streamAccount)
	}
	st := &a.meter
	w.Counter("portannot_packets_total", "Packets read, those that the filter refuses included.", st.Packets)
	w.Counter("portannot_packet_bytes_total", "Bytes on the wire of the packets read.", s.bytes.Load())
	w.Counter("portannot_packets_refused_total", "Packets read that the filter refuses.", st.Refused)
	for r := decode.Decoded; r < decode.NumResults; r++ {
		w.Counter("portannot_packets_decoded_total", "Packets by what became of them; all but \"decoded\" give no flow.", st.Decoded[r], "result", r.String())
	}
	if a.system != nil {
		w.Counter("portannot_packets_dropped_total", "Packets that the system dropped, since they were not taken in time.", a.system.Dropped)
	}
	var ended uint64
	for i, n := range a.tally.statuses {
		w.Counter("portannot_flows_total", flowsHelp, n, "status", iana.Status(i).String())
		ended += n
	}
	w.Counter("portannot_flows_total", flowsHelp, a.tally.noSide, "status", "no_side")
	ended += a.tally.noSide
	w.Counter("portannot_flows_selected_total", "Flows that were written.", a.tally.shown)
	w.Gauge("portannot_flows_held", "Flows that have not ended.", float64(st.Flows.Flows-min(ended, st.Flows.Flows)))
	w.Counter("portannot_flows_evicted_total", "Flows that were ended to make room for others.", st.Flows.Evicted)
}

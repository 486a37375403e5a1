// Package meter counts the packets of a source to flows: it joins a capture, a
// filter, the decoder and the flow table, on any number of processors.
//
// RFC 7011 calls a metering process what observes packets and makes records of
// flows. A packet says little: one piece of a conversation, in one direction. A
// flow is the whole conversation between two endpoints: who sent the first packet,
// how much each side sent and when, and how it ended. On the way from one to the
// other four things happen:
//
//   - the filter says which packets are wanted ([filter.Set]);
//   - the decoder finds the transport headers ([decode.Decoder]); in a tunnelled
//     packet there are several, and each counts to a flow of its own;
//   - the table counts each to its flow ([flow.Table]), and ends the flows that
//     time out;
//   - all packets are accounted for ([Stats]), also those that give no flow.
//
// Files are for [Meter.Read]. It splits the work so that the flows, their order
// and the counts do not depend on the number of workers:
//
//	src, err := capture.Open("x.pcap", capture.Options{})
//	...
//	defer src.Close()
//	m := meter.New(meter.Options{})
//	err = m.Read(ctx, src) // what went wrong; what could be read is counted
//	flows := m.Results()
//	var f flow.Flow
//	for i := range flows.Len() {
//		flows.Fill(i, &f)
//		use(&f)
//	}
//
// Live captures and growing files are for [Meter.Stream], which gives each flow to
// a callback when it ends, as there may be no end of the input. To see each packet
// together with its flow, set [Options.Packet].
package meter

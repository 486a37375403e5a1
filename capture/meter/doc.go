// Package meter counts the packets of a source to flows: it joins a capture, a
// filter, the decoder and the flow table, on any number of processors.
//
// A packet is one piece of a conversation, in one direction. A flow is the
// conversation between two endpoints: who sent the first packet, how much each side
// sent and when, and how it ended. A metering process (RFC 7011, section 2) observes
// packets and makes flows of them. This one works in four steps:
//
//   - The source, a capture file or a live capture, gives packets ([capture.Source]).
//   - The filter says which of them are wanted ([filter.Set]).
//   - The decoder finds their transport headers ([decode.Decoder]). A packet in a
//     tunnel has several, and each counts to a flow of its own.
//   - The table counts each to its flow, and ends flows that time out ([flow.Table]).
//
// Every packet is accounted for, including those that count to no flow ([Stats]).
//
// [Meter.Read] is for files. It uses several processors, and the flows, their order
// and all counts do not depend on how many:
//
//	src, err := capture.Open("x.pcap", capture.Options{})
//	...
//	defer src.Close()
//	m := meter.New(meter.Options{})
//	err = m.Read(ctx, src) // whatever could be read is counted, also after an error
//	flows := m.Results()
//	var f flow.Flow
//	for i := range flows.Len() {
//		flows.Fill(i, &f)
//		use(&f)
//	}
//
// [Meter.Stream] is for live captures and growing files, which may never end: it gives
// each flow to a callback when the flow ends. To see each packet together with its
// flow, set [Options.Packet].
package meter

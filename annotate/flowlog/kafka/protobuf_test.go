package kafka

import (
	"bytes"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	flowpb "github.com/netsampler/goflow2/v2/pb"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/record"
)

// message gives what goflow2 writes with -format=bin.
func message(t testing.TB, m *flowpb.FlowMessage) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := protodelim.MarshalTo(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sample() *flowpb.FlowMessage {
	return &flowpb.FlowMessage{
		Type: flowpb.FlowMessage_IPFIX, TimeReceivedNs: 1789376410000000000, TimeFlowStartNs: 1789376400000000000, SequenceNum: 7,
		SamplerAddress: []byte{192, 0, 2, 1}, SrcAddr: []byte{192, 0, 2, 10}, DstAddr: netip.MustParseAddr("2001:db8::1").AsSlice(),
		Proto: 6, SrcPort: 40000, DstPort: 11434, TcpFlags: 2, Bytes: 1 << 40, AsPath: []uint32{1, 70000}, LayerStack: []flowpb.FlowMessage_LayerStack{0, 1, 3},
	}
}

// notes gives the fields of the annotation, with lists joined by commas.
func notes(t testing.TB, m *flowpb.FlowMessage) map[protowire.Number]string {
	t.Helper()
	fields := map[protowire.Number]string{}
	num, _, n := protowire.ConsumeTag(m.ProtoReflect().GetUnknown())
	b, _ := protowire.ConsumeBytes(m.ProtoReflect().GetUnknown()[n:])
	if num != fieldAnnotation {
		t.Fatalf("unknown field %d", num)
	}
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		b = b[n:]
		if kind == protowire.VarintType {
			v, n := protowire.ConsumeVarint(b)
			fields[num], b = string(rune('0'+v%10)), b[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(b)
		if was, ok := fields[num]; ok {
			v = append([]byte(was+","), v...)
		}
		fields[num], b = string(v), b[n:]
	}
	return fields
}

// TestProtobuf: goflow2's own package reads what comes out, finds its fields as
// they were, and what is said is what the JSON of the same flow gets. Stripping
// gives the same bytes back.
func TestProtobuf(t *testing.T) {
	for _, format := range []string{"", Protobuf} {
		opt := enrichOptions()
		opt.Format = format
		a, err := newAnnotator(opt)
		if err != nil {
			t.Fatal(err)
		}
		in := message(t, sample())
		out, kind, err := a.annotate(in)
		if err != nil || kind != flowlog.Flow {
			t.Fatal(kind, err)
		}
		got := new(flowpb.FlowMessage)
		if err := protodelim.UnmarshalFrom(bytes.NewReader(out), got); err != nil {
			t.Fatal(err)
		}
		n := notes(t, got)
		if n[1] != "destination" || n[2] != "handshake" || n[3] != "certain" && n[3] != "likely" || n[4] != "4" || n[5] != "assigned" || n[6] != "ollama" || n[7] != "assigned" && n[7] != "unassigned" || n[10] != "ollama" || n[13] == "" || n[14] == "" || n[15] != "2" {
			t.Errorf("annotation %v", n)
		}
		got.ProtoReflect().SetUnknown(nil)
		if !proto.Equal(got, sample()) {
			t.Errorf("message %v", got)
		}
		again, _, err := a.annotate(out)
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("annotated again: %v\n%x\n%x", err, out, again)
		}
		opt.Strip = true
		s, err := newAnnotator(opt)
		if err != nil {
			t.Fatal(err)
		}
		if plain, _, err := s.annotate(out); err != nil || !bytes.Equal(plain, in) {
			t.Errorf("stripped: %v\n%x\n%x", err, plain, in)
		}
	}
}

// TestProtobufAsJSON: both of goflow2's forms of a flow get the same words.
func TestProtobufAsJSON(t *testing.T) {
	opt := enrichOptions()
	opt.Output = flowlog.JSON
	a, err := newAnnotator(opt)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := a.annotate(message(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := a.annotate([]byte(`{"type":"IPFIX","time_received_ns":1789376410000000000,"time_flow_start_ns":1789376400000000000,"src_addr":"192.0.2.10","dst_addr":"2001:db8::1","proto":"TCP","src_port":40000,"dst_port":11434,"tcp_flags":2}`))
	if err != nil || !bytes.Equal(p, j) {
		t.Errorf("%v\n%s\n%s", err, p, j)
	}
}

// TestMixed: the format is found out anew where a record is of another.
func TestMixed(t *testing.T) {
	a, err := newAnnotator(enrichOptions())
	if err != nil {
		t.Fatal(err)
	}
	eve := []byte(`{"timestamp":"2026-09-14T09:00:00.000000+0000","event_type":"flow","src_ip":"192.0.2.1","src_port":50000,"dest_ip":"192.0.2.2","dest_port":22,"proto":"TCP"}`)
	for i, v := range [][]byte{flowJSON(0), message(t, sample()), eve, flowJSON(1), message(t, sample()), message(t, sample()), eve, eve} {
		if _, kind, err := a.annotate(v); err != nil || kind != flowlog.Flow {
			t.Errorf("record %d: kind %d, %v", i, kind, err)
		}
		if _, _, err := a.annotate([]byte("what is this?")); err == nil {
			t.Errorf("after record %d: understood", i)
		}
	}
}

func TestProtobufBad(t *testing.T) {
	opt := enrichOptions()
	opt.Format = Protobuf
	a, err := newAnnotator(opt)
	if err != nil {
		t.Fatal(err)
	}
	good := message(t, sample())
	frame := func(b []byte) []byte { return append(protowire.AppendVarint(nil, uint64(len(b))), b...) }
	varint := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	for _, c := range []struct {
		in   []byte
		want string
	}{
		{[]byte("{}"), "length in front"},
		{good[:len(good)-1], "length in front"},
		{append(bytes.Clone(good), 0), "length in front"},
		{frame([]byte{0xff}), "length in front"},
		{frame(varint(fieldSource, 1)), "wire type"},
		{frame(varint(fieldSourcePort, 65536)), "no number up to 65535"},
		{frame(varint(fieldProtocol, 256)), "no number up to 255"},
		{frame(varint(1, 4)), "no field of a flow"},
	} {
		if _, kind, err := a.annotate(c.in); kind != flowlog.Bad || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%x: %v, want %q", c.in, err, c.want)
		}
	}
}

// FuzzAnnotate: no value panics; one that is understood gives itself back when
// stripped, if it held no annotation.
func FuzzAnnotate(f *testing.F) {
	f.Add(message(f, sample()))
	f.Add(flowJSON(3))
	f.Add([]byte("{\"src_addr\":\n1}"))
	f.Add([]byte{2, 0x30, 1})
	opt := enrichOptions()
	strip := opt
	strip.Strip = true
	f.Fuzz(func(t *testing.T, value []byte) {
		a, err := newAnnotator(opt)
		if err != nil {
			t.Fatal(err)
		}
		out, kind, _ := a.annotate(value)
		if kind != flowlog.Flow || bytes.Contains(value, []byte("portannot")) {
			return
		}
		message, framed := delimited(value)
		var m flowMessage
		if a.binary && (!framed || m.read(message) != nil || m.cut[0] < len(message)) {
			return
		}
		s, err := newAnnotator(strip)
		if err != nil {
			t.Fatal(err)
		}
		s.binary = a.binary
		back, kind, err := s.annotate(out)
		if kind == flowlog.Bad || !bytes.Equal(back, value) && !a.binary {
			t.Fatalf("%v\n%q\n%q\n%q", err, value, out, back)
		}
	})
}

// The fields of portannot.proto are fields of the record.
func TestProtoNames(t *testing.T) {
	text, err := os.ReadFile("portannot.proto")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, name := range record.Columns(record.Added) {
		names[strings.ReplaceAll(strings.TrimPrefix(name, "portannot."), ".", "_")] = true
	}
	_, message, _ := strings.Cut(string(text), "message Portannot {")
	found := regexp.MustCompile(`(?m)^ +(?:repeated )?\w+ (\w+) = \d+;`).FindAllStringSubmatch(message, -1)
	for _, m := range found {
		if !names[m[1]] {
			t.Errorf("%s is no field of the record", m[1])
		}
	}
	if len(found) != 15 {
		t.Errorf("%d fields", len(found))
	}
}

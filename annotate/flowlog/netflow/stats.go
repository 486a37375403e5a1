package netflow

import "fmt"

// Kind is a reason why data that was sent does not become records.
type Kind uint8

// The kinds, with what each counts.
const (
	UnknownVersion Kind = iota // messages of other versions; see Stats.Versions
	BadMessage                 // messages that are incomplete or malformed
	BadSet                     // sets longer than their message, or whose length does not fit their records
	BadTemplate                // malformed templates
	BadSample                  // samples of sFlow, or records of them, that are incomplete or malformed
	NoTemplate                 // data sets whose template did not arrive in time
	DecoderFailure             // sets that made the decoder fail
	TemplateQuota              // templates beyond the exporter's quota
	DomainQuota                // messages of observation domains beyond the exporter's quota
	ExporterQuota              // messages of exporters beyond the limit
	QueueFull                  // datagrams of an exporter that sends faster than records can be written
	SocketDropped              // datagrams that the system dropped from the full socket buffer
	Missing                    // messages (version 9) or records (version 5, IPFIX) that never arrived, by their sequence numbers
	Refused                    // connections refused at a limit
	Idle                       // connections closed because nothing arrived, in time or before a newer one
	Evicted                    // exporters and domains forgotten to make room for others
	NotAllowed                 // datagrams and connections from senders outside Options.Allow
	NumKinds       int  = iota
)

var kindNames = [...]string{
	"unknown_version", "bad_message", "bad_set", "bad_template", "bad_sample", "no_template", "decoder_failure",
	"template_quota", "domain_quota", "exporter_quota", "queue_full", "socket_dropped", "missing", "refused", "idle", "evicted", "not_allowed",
}

// String returns the name of the kind in metrics, such as "unknown_version".
func (k Kind) String() string { return kindNames[k] }

// Loss reports whether the kind is a loss of data. It is false for Idle, Evicted
// and NotAllowed.
func (k Kind) Loss() bool { return k != Idle && k != Evicted && k != NotAllowed }

// Fault is a piece of data that was left out.
type Fault struct {
	Kind   Kind
	Name   string // file name, or address of the exporter
	Offset int64  // of the message in the file, in bytes; -1 if it came from the network
	Packet uint64 // number of the packet of a capture; 0 for others
	Reason string
}

// Error returns "file: byte 1234: reason", or of a capture "192.0.2.1: packet 12: reason".
func (f *Fault) Error() string {
	if f.Packet > 0 {
		return fmt.Sprintf("%s: packet %d: %s", f.Name, f.Packet, f.Reason)
	}
	if f.Offset < 0 {
		return f.Name + ": " + f.Reason
	}
	return fmt.Sprintf("%s: byte %d: %s", f.Name, f.Offset, f.Reason)
}

// counts reports whether it is one of Stats.Faults.
func (f *Fault) counts() bool { return f.Kind != Missing && f.Kind != Evicted }

// MaxFaults is the maximum length of Stats.Faults.
const MaxFaults = 10

// versions are those that are not read and have a name. The last stands for all
// others.
var versions = [...]string{"sFlow 2", "sFlow 4", "NetFlow 1", "NetFlow 7", "NetFlow 8", "syslog", "other"}

// NumVersions is the length of Stats.Versions.
const NumVersions = len(versions)

// VersionName returns the name of an element of Stats.Versions, such as "sFlow 4",
// "NetFlow 8" or "other".
func VersionName(i int) string { return versions[i] }

// unknownVersion tells what a message is that is neither NetFlow 5 or 9 nor
// IPFIX nor sFlow 5. b has at least 4 bytes.
func unknownVersion(b []byte) (i int, name string) {
	v := uint16(b[0])<<8 | uint16(b[1])
	switch {
	case v == 0 && b[2] == 0: // sFlow's version has 32 bits
		name = fmt.Sprintf("sFlow %d", b[3])
	case b[0] == '<' && '0' <= b[1] && b[1] <= '9': // RFC 5424 section 6.2.1
		name = "syslog"
	case len(b) >= ipfixHeader: // the shortest header of any version
		name = fmt.Sprintf("NetFlow %d", v)
	}
	for i, known := range versions {
		if name == known {
			return i, name
		}
	}
	return NumVersions - 1, fmt.Sprintf("version %d", v)
}

// Stats accounts for every message and every record.
type Stats struct {
	Messages [4]uint64 // version 5, version 9, IPFIX, sFlow
	Bytes    uint64    // of all messages
	Records  uint64    // records of flows and of sampled packets
	Samples  uint64    // of these, records of sampled packets
	Options  uint64    // records about the exporter; only its sampling and clock are used
	Other    uint64    // records with neither address nor port
	Counters uint64    // samples of counters, which are of no packet
	Portless uint64    // sampled packets that show no ports
	Unread   uint64    // samples of kinds that are not read

	Left     [NumKinds]uint64    // what was left out, by kind
	Last     [NumKinds]*Fault    // the last fault of each kind, or nil
	Versions [NumVersions]uint64 // messages of other versions; see VersionName
	Skipped  uint64              // bytes of a file between messages

	// Faults are the first MaxFaults faults, and FaultCount is the number of all.
	// Missing and Evicted are not included.
	Faults     []*Fault
	FaultCount uint64

	// The state now.
	Exporters, Domains, Templates int
	Connections                   int // open TCP connections
	Held                          int // bytes of data sets that wait for their template
	Queued                        int // bytes of messages in the queues
}

// Lost returns the sum of Left over the kinds that are losses.
func (s *Stats) Lost() (n uint64) {
	for k, m := range s.Left {
		if Kind(k).Loss() {
			n += m
		}
	}
	return n
}

// add counts something n times that was left out for one reason.
func (s *Stats) add(f *Fault, n uint64) {
	s.Left[f.Kind] += n
	s.Last[f.Kind] = f
	if !f.counts() {
		return
	}
	s.FaultCount += n
	if len(s.Faults) < MaxFaults {
		s.Faults = append(s.Faults, f)
	}
}

package netflow

import "fmt"

// Kind is a way in which what was sent does not come out as records.
type Kind uint8

// The kinds. Some count messages, some what is in them.
const (
	UnknownVersion Kind = iota // messages of versions that are not read; Stats.Versions names them
	BadMessage                 // messages that are not whole, or ends of connections inside one
	BadSet                     // sets that do not fit their message, or whose records do not fit them
	BadTemplate                // templates that cannot be right
	NoTemplate                 // data sets whose template did not come in time; their records cannot be counted
	DecoderFailure             // sets at which the decoder failed
	TemplateQuota              // templates beyond the exporter's quota
	DomainQuota                // messages of observation domains beyond the exporter's quota
	ExporterQuota              // messages of exporters beyond the limit
	QueueFull                  // datagrams of an exporter that sends faster than its records can be written
	SocketDropped              // datagrams that the system dropped, since they were not taken in time
	Missing                    // messages (version 9) or records (version 5, IPFIX) that sequence numbers show as lost on the way here
	Refused                    // connections beyond a limit
	Idle                       // connections that were closed since nothing came, or for newer ones before anything came
	Evicted                    // exporters and domains that were forgotten to make room for others
	NotAllowed                 // datagrams and connections of senders that are not allowed
	NumKinds       int  = iota
)

var kindNames = [...]string{
	"unknown_version", "bad_message", "bad_set", "bad_template", "no_template", "decoder_failure",
	"template_quota", "domain_quota", "exporter_quota", "queue_full", "socket_dropped", "missing", "refused", "idle", "evicted", "not_allowed",
}

// String gives the name in metrics: "unknown_version", "bad_message" and so on.
func (k Kind) String() string { return kindNames[k] }

// Loss reports whether the kind is a loss of data. Idle and Evicted are none, and
// neither is NotAllowed, which was asked for.
func (k Kind) Loss() bool { return k != Idle && k != Evicted && k != NotAllowed }

// Fault is something that was left out.
type Fault struct {
	Kind   Kind
	Name   string // file, or exporter's address
	Offset int64  // of the message in the file, in bytes; -1 for messages from the network
	Reason string
}

// Error gives "file: byte 1234: reason".
func (f *Fault) Error() string {
	if f.Offset < 0 {
		return f.Name + ": " + f.Reason
	}
	return fmt.Sprintf("%s: byte %d: %s", f.Name, f.Offset, f.Reason)
}

// counts reports whether it is one of Stats.Faults.
func (f *Fault) counts() bool { return f.Kind != Missing && f.Kind != Evicted }

// MaxFaults bounds Stats.Faults.
const MaxFaults = 10

// versions are those that are not read and have a name. The last stands for all
// others.
var versions = [...]string{"sFlow 2", "sFlow 4", "sFlow 5", "NetFlow 1", "NetFlow 7", "NetFlow 8", "syslog", "other"}

// NumVersions is the length of Stats.Versions.
const NumVersions = len(versions)

// VersionName names an element of Stats.Versions: "sFlow 5", "NetFlow 8",
// "other" and so on.
func VersionName(i int) string { return versions[i] }

// unknownVersion tells what a message is that is neither NetFlow 5 or 9 nor
// IPFIX. b has at least 4 bytes.
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

// Stats account for every message and every record.
type Stats struct {
	Messages [3]uint64 // version 5, version 9, IPFIX
	Bytes    uint64    // of these messages
	Records  uint64    // about flows
	Options  uint64    // records about the exporter, read for sampling and clock only
	Other    uint64    // records with neither address nor port

	Left     [NumKinds]uint64    // left out, by kind
	Last     [NumKinds]*Fault    // the last of each kind; nil for none
	Versions [NumVersions]uint64 // messages of unknown versions: see VersionName
	Skipped  uint64              // bytes of a file between messages

	// Faults are the first of what was left out, FaultCount how many there
	// were. Missing, which never came, and Evicted are not among them.
	Faults     []*Fault
	FaultCount uint64

	// What there is now.
	Exporters, Domains, Templates int
	Connections                   int // over TCP
	Held                          int // bytes of data sets that wait for a template
	Queued                        int // bytes of messages that wait for the decoder
}

// Lost adds up the losses of data.
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

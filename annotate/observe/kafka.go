package observe

// Kafka: requests and responses with four bytes of length before them (Apache
// Kafka, "Kafka protocol guide", "Headers").
const (
	kafkaMaxMessage = 1<<24 - 1 // what first bytes of zero allow
	kafkaMaxClient  = 255
	kafkaLaterKeys  = 100 // keys above those of kafkaVersions, 92 so far
	kafkaLaterMax   = 5
)

// kafkaVersions gives for each request's key the highest version that Kafka
// 4.1 has, and two more.
const kafkaVersions = "\x0f\x14\x0d\x0f\x09\x06\x0a\x05\x0c\x0c\x08\x0b\x06\x07\x07\x08\x07\x03\x06\x09\x08\x04\x08\x06\x07\x06\x07\x03\x07\x05\x05\x05\x06\x04\x04\x06\x04\x05"

const (
	reasonKafkaRequest  = "Kafka request: key, version and client identifier fit"
	reasonKafkaAnswer   = "Kafka response to the request that the other end sent"
	reasonKafkaVersions = "Kafka ApiVersions response: list of keys fits"
)

// findKafka recognises a request by its header, and a response by the
// correlation identifier of that request. A response has nothing that tells it
// from a request: a correlation identifier and a topic's name look like a key, a
// version and a client's name. So a message alone does not say who sent it.
func findKafka(m *message) match {
	b := m.b
	size := int(be32(b))
	if size < 6 || size > kafkaMaxMessage {
		return match{}
	}
	asked, answers := kafkaAnswers(m.peer, m), kafkaAnswers(m, m.peer)
	if found := kafkaRequest(m); found.strength != None {
		if asked && !answers {
			found.sender = client
		}
		if !answers || asked {
			return found
		}
	}
	if answers && !asked {
		return match{protocol: Kafka, strength: Full, sender: server, reason: reasonKafkaAnswer}
	}
	// The response that every connection begins with, without its request: no
	// error, and a list of keys in order, from 0, with the versions of each.
	if be16(b[8:]) != 0 {
		return match{}
	}
	at, n, entry := 14, 0, 6
	if b[10] == 0 {
		n = int(be32(b[10:]))
	} else { // a compact array
		at, n, entry = 11, int(b[10])-1, 7
	}
	if n < 3 || n > kafkaLaterKeys+30 || n*entry > size || len(b) < at+3*entry {
		return match{}
	}
	for i := range 3 {
		e := b[at+entry*i:]
		if be16(e) != i || be16(e[2:]) > be16(e[4:]) || be16(e[4:]) > int(kafkaVersions[i]) || entry == 7 && e[6] != 0 {
			return match{}
		}
	}
	return match{protocol: Kafka, strength: Full, sender: server, reason: reasonKafkaVersions}
}

// kafkaAnswers reports whether m has the correlation identifier of what its peer
// asked.
func kafkaAnswers(m, peer *message) bool {
	return len(peer.b) >= 14 && len(m.b) >= 8 && be32(peer.b[8:]) == be32(m.b[4:]) && kafkaRequest(peer).strength == Full && int(be32(m.b)) >= 4
}

func kafkaRequest(m *message) match {
	b := m.b
	size, key, version, name := int(be32(b)), be16(b[4:]), be16(b[6:]), be16(b[12:])
	if size < 10 || size > kafkaMaxMessage || key > kafkaLaterKeys {
		return match{}
	}
	limit := kafkaLaterMax
	if key < len(kafkaVersions) {
		limit = int(kafkaVersions[key])
	}
	if version > limit {
		return match{}
	}
	found := match{protocol: Kafka, strength: Likely, reason: reasonKafkaRequest}
	if name == 0xffff || name == 0 {
		if key == 0 && version == 0 || !m.ends(4+size) {
			return match{}
		}
		return found
	}
	if name > kafkaMaxClient || 10+name > size {
		return match{}
	}
	text := b[14:min(len(b), 14+name)]
	if !printable(text) {
		return match{}
	}
	if len(text) >= 6 || m.ends(4+size) && len(text) >= 3 {
		found.strength = Full
	}
	return found
}

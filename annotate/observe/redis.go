package observe

// Redis: the protocol RESP ("Redis serialization protocol specification"):
// each value has a type, a number or text, CR LF, and a bulk string its bytes
// and CR LF again.
const (
	reasonRedisCommand = "Redis command: array of bulk strings fits"
	reasonRedisReply   = "Redis reply: values follow each other"
	reasonRedisError   = "Redis error"
	reasonRedisShort   = "simple Redis reply"
	redisMaxBulk       = 512 << 20
)

// findRedis recognises a command, which is an array of bulk strings, and
// replies. POP3 has +OK and -ERR too, so that these count only where the other
// end sent an array.
//
// A reply may be an array of bulk strings too, and a server sends commands to its
// replicas: an array is a client's only where the other end sent what is no
// command.
func findRedis(m *message) match {
	b := m.b
	switch b[0] {
	case '-':
		for _, e := range [...]string{"-NOAUTH ", "-WRONGTYPE ", "-MOVED ", "-NOSCRIPT ", "-WRONGPASS ", "-DENIED ", "-LOADING ", "-READONLY ", "-NOPERM "} {
			if hasPrefix(b, e) {
				return match{protocol: Redis, strength: Full, sender: server, reason: reasonRedisError}
			}
		}
	case '+':
		if hasPrefix(b, "+PONG\r\n") || hasPrefix(b, "+QUEUED\r\n") {
			return match{protocol: Redis, strength: Full, sender: server, reason: reasonRedisReply}
		}
	}
	w := respWalk(b)
	if !w.ok || w.values == 0 {
		return match{}
	}
	if b[0] == '*' && w.bulks+w.arrays == w.values && w.word.len > 0 {
		name := b[w.word.off : w.word.off+w.word.len]
		found := match{protocol: Redis, strength: Full, reason: reasonRedisCommand}
		if redisCommand(name) && len(m.peer.b) > 0 && !redisAsks(m.peer.b) {
			found.sender = client
		}
		return found
	}
	switch {
	case w.bulks > 0 && w.checked > 0, w.values >= 3 && w.typed > 0:
		// Commands hold nothing but bulk strings.
		found := match{protocol: Redis, strength: Full, reason: reasonRedisReply}
		if b[0] != '*' || w.bulks+w.arrays < w.values {
			found.sender = server
		}
		return found
	case w.typed > 0 && b[0] != '*', len(m.peer.b) > 0 && m.peer.b[0] == '*':
		return match{protocol: Redis, strength: Likely, sender: server, reason: reasonRedisShort}
	}
	return match{}
}

// resp is what respWalk found.
type resp struct {
	values  int  // whole headers of values
	typed   int  // those of types other than + and -
	arrays  int  // headers of arrays
	bulks   int  // bulk strings
	checked int  // those whose end was seen
	word    span // the first bulk string of a leading array, if it looks like a command's name and all of it was there
	ok      bool
}

// respWalk walks the values in b as far as it goes.
func respWalk(b []byte) (w resp) {
	at := 0
	for at < len(b) {
		kind := b[at]
		i := at + 1
		size, null := 0, false
		switch kind {
		case '+', '-':
			for i < len(b) && b[i] != '\r' {
				if b[i] < ' ' && b[i] != '\t' {
					return w
				}
				i++
			}
			if i == at+1 && i < len(b) {
				return w // neither has an empty text
			}
		case ':', '$', '*', '%', '~', '>', '|':
			if i < len(b) && b[i] == '-' {
				null = true
				i++
			}
			if i == len(b) {
				w.ok = true
				return w
			}
			n, digits := decimal(b[i:])
			if digits == 0 || null && kind != ':' && n != 1 {
				return w
			}
			i += digits
			size = n
		case '#', '_', ',': // boolean, null, double of RESP3
			for i < len(b) && b[i] > ' ' && b[i] <= '~' && i < at+32 {
				i++
			}
		default:
			return w
		}
		if i == len(b) || i+1 == len(b) && b[i] == '\r' {
			w.ok = true
			return w
		}
		if b[i] != '\r' || b[i+1] != '\n' {
			return w
		}
		w.values++
		if kind != '+' && kind != '-' {
			w.typed++
		}
		at = i + 2
		if kind == '*' {
			w.arrays++
		}
		if kind != '$' {
			continue
		}
		w.bulks++
		if null {
			continue
		}
		if size > redisMaxBulk {
			return w
		}
		start := at
		at += size + 2
		if at > len(b) {
			w.ok = true
			return w
		}
		if b[at-2] != '\r' || b[at-1] != '\n' {
			return w
		}
		w.checked++
		if w.values == 2 && b[0] == '*' && size > 0 && size <= 32 && redisWord(b[start:start+size]) {
			w.word = span{start, size}
		}
	}
	w.ok = true
	return w
}

func redisWord(b []byte) bool {
	for _, c := range b {
		if !isAlpha(c) && !isDigit(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// redisAsks reports whether b begins like a command that clients send.
func redisAsks(b []byte) bool {
	w := respWalk(b)
	return b[0] == '*' && w.word.len > 0 && redisCommand(b[w.word.off:w.word.off+w.word.len])
}

// redisCommand reports a name that clients send; a server's messages begin with
// others ("message"), or hold a number too ("subscribe").
func redisCommand(name []byte) bool {
	for _, c := range [...]string{
		"GET", "SET", "MGET", "MSET", "DEL", "EXISTS", "EXPIRE", "INCR", "INCRBY", "DECR", "TTL", "TYPE", "KEYS", "SCAN",
		"HGET", "HSET", "HMGET", "HMSET", "HGETALL", "HDEL", "LPUSH", "RPUSH", "LPOP", "RPOP", "BLPOP", "BRPOP", "LRANGE", "LLEN",
		"SADD", "SREM", "SMEMBERS", "ZADD", "ZRANGE", "ZREM", "XADD", "XREAD", "XREADGROUP", "XACK",
		"PING", "ECHO", "AUTH", "SELECT", "INFO", "CONFIG", "CLIENT", "COMMAND", "HELLO", "CLUSTER", "FLUSHALL", "FLUSHDB", "DBSIZE",
		"MULTI", "EXEC", "WATCH", "EVAL", "EVALSHA", "SCRIPT", "PUBLISH", "SETEX", "SETNX", "PSYNC", "REPLCONF", "SLAVEOF", "MONITOR",
		"SENTINEL", "QUIT", "DEBUG", "LATENCY", "SLOWLOG", "SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE",
	} {
		if len(name) == len(c) && hasPrefixFold(name, c) {
			return true
		}
	}
	return false
}

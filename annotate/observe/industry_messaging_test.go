package observe

func amqpFrame(kind, channel int, parts ...any) string {
	return cat(kind, u16(channel), vec32(cat(parts...)), 0xce)
}

// vec32sized is vec32 with a length that counts itself.
func vec32sized(parts ...any) string { s := cat(parts...); return cat(u32(4+len(s)), s) }

func mqttPacket(kind int, parts ...any) string { return cat(kind, vec8(parts...)) }

func kafkaMessage(key, version, correlation int, client string, rest string) string {
	return vec32(u16(key), u16(version), u32(correlation), vec16(client), rest)
}

var amqpStart = amqpFrame(1, 0, u16(10), u16(10), 0, 9, vec32(vec8("product"), "S", vec32("RabbitMQ")), vec32("PLAIN"), vec32("en_US"))

var messagingSamples = []sample{
	{name: "0-9-1", transport: tcp, sent: [2]string{"AMQP\x00\x00\x09\x01", amqpStart}, of: AMQP, want: AMQP, strength: Full, server: Destination},
	{name: "1.0", transport: tcp, sent: [2]string{"AMQP\x03\x01\x00\x00", "AMQP\x03\x01\x00\x00"}, of: AMQP, want: AMQP, strength: Full},
	{name: "1.0 with SASL", transport: tcp, sent: [2]string{"", vec32sized(2, 1, u16(0), "\x00\x53\x40\xc0\x0a\x01\xe0\x07\x01\xa3\x05PLAIN")}, of: AMQP, want: AMQP, strength: Full, server: Destination},
	{name: "1.0 from the middle", transport: tcp, sent: [2]string{cat(u32(40), 2, 0, u16(0), "\x00\x53\x14", filler(29))}, of: AMQP, want: AMQP, strength: Full},
	{name: "published", transport: tcp, sent: [2]string{amqpFrame(1, 1, u16(60), u16(40), u16(0), vec8(""), vec8("jobs"), 0) + amqpFrame(2, 1, filler(20))}, of: AMQP, want: AMQP, strength: Full, server: Destination},
	{name: "heartbeat", transport: tcp, sent: [2]string{amqpFrame(8, 0)}, of: AMQP, want: AMQP, strength: Full},
	{name: "version 7", transport: tcp, sent: [2]string{"AMQP\x00\x07\x00\x00"}, of: AMQP},
	{name: "no frame end", transport: tcp, sent: [2]string{cat(1, u16(1), vec32(u16(60), u16(40), filler(20)), 0xcd)}, of: AMQP},
	{name: "class 15", transport: tcp, sent: [2]string{amqpFrame(1, 1, u16(15), u16(40), filler(20))}, of: AMQP},

	{name: "3.1.1", transport: tcp, sent: [2]string{mqttPacket(0x10, vec16("MQTT"), 4, 0xc2, u16(60), vec16("meter-7"), vec16("user"), vec16("secret")), mqttPacket(0x20, 0, 0)}, of: MQTT, want: MQTT, strength: Full, server: Destination},
	{name: "5", transport: tcp, sent: [2]string{mqttPacket(0x10, vec16("MQTT"), 5, 2, u16(60), 0, vec16("meter-7")), mqttPacket(0x20, 0, 0, vec8("\x22\x00\x0a"))}, of: MQTT, want: MQTT, strength: Full, server: Destination},
	{name: "3.1", transport: tcp, sent: [2]string{mqttPacket(0x10, vec16("MQIsdp"), 3, 2, u16(60), vec16("meter-7"))}, of: MQTT, want: MQTT, strength: Full, server: Destination},
	{name: "subscription", transport: tcp, sent: [2]string{mqttPacket(0x82, u16(1), vec16("plant/+/temperature"), 1)}, of: MQTT, want: MQTT, strength: Likely, server: Destination},
	{name: "subscription of version 5", transport: tcp, sent: [2]string{mqttPacket(0x82, u16(1), 0, vec16("plant/+/temperature"), 0x2d)}, of: MQTT, want: MQTT, strength: Likely, server: Destination},
	{name: "reserved flag", transport: tcp, sent: [2]string{mqttPacket(0x10, vec16("MQTT"), 4, 0xc3, u16(60), vec16("meter-7"))}, of: MQTT},
	{name: "level 6", transport: tcp, sent: [2]string{mqttPacket(0x10, vec16("MQTT"), 6, 2, u16(60), vec16("meter-7"))}, of: MQTT},

	{name: "info and connect", transport: tcp, sent: [2]string{"CONNECT {\"verbose\":false,\"lang\":\"go\"}\r\nPING\r\n", "INFO {\"server_id\":\"NA\",\"version\":\"2.10.1\"} \r\n"}, of: NATS, want: NATS, strength: Full, server: Destination},
	{name: "published", transport: tcp, sent: [2]string{"PUB orders.new 5\r\nhello\r\n", "MSG orders.new 1 5\r\nhello\r\n"}, of: NATS, want: NATS, strength: Full, server: Destination},
	{name: "no object", transport: tcp, sent: [2]string{"INFO about this server\r\n"}, of: NATS},
	{name: "message of another length", transport: tcp, sent: [2]string{"PUB orders.new 9\r\nhello\r\nPUB a\r\n"}, of: NATS},

	{name: "request and response", transport: tcp, sent: [2]string{kafkaMessage(18, 3, 5, "consumer-1", "\x00\x0aapache-x\x064.0\x00"), vec32(u32(5), filler(40))}, of: Kafka, want: Kafka, strength: Full, server: Destination},
	{name: "list of keys", transport: tcp, sent: [2]string{"", vec32(u32(1), u16(0), u32(4), u16(0), u16(0), u16(9), u16(1), u16(0), u16(12), u16(2), u16(0), u16(6), u16(3), u16(0), u16(11))}, of: Kafka, want: Kafka, strength: Full, server: Destination},
	{name: "no name", transport: tcp, sent: [2]string{vec32(u16(18), u16(0), u32(1), u16(0xffff))}, of: Kafka, want: Kafka, strength: Likely},
	{name: "a response, which reads like a request", transport: tcp, sent: [2]string{vec32(u32(1), u32(1), vec16("topic2"), u32(1), u32(0), u16(0), u64(0), filler(8), u32(0))}, of: Kafka, want: Kafka, strength: Full},
	{name: "key 300", transport: tcp, sent: [2]string{kafkaMessage(300, 3, 5, "consumer-1", filler(20))}, of: Kafka},
	{name: "version 90", transport: tcp, sent: [2]string{kafkaMessage(3, 90, 5, "consumer-1", filler(20))}, of: Kafka},
	{name: "name that is no text", transport: tcp, sent: [2]string{kafkaMessage(3, 1, 5, "con\x01\x02\x03", filler(20))}, of: Kafka},
}

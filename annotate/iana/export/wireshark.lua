
-- What follows is the same for every edition.

-- expand makes two arrays of a registry text: the first ports of its spans, in
-- order, and what the registry says of each. A span ends where the next begins.
local function expand(text)
	local firsts, said, n = {}, {}, 0
	for letter, first, name in text:gmatch("(.)(%d+) ?([^\n]*)\n") do
		n = n + 1
		firsts[n] = tonumber(first)
		said[n] = { status = statuses[letter], name = name ~= "" and name or nil }
	end
	return { firsts = firsts, said = said }
end

for transport, text in pairs(registry) do
	registry[transport] = expand(text)
end

local function lookup(transport, port)
	local spans = registry[transport]
	local low, high = 1, #spans.firsts
	while low < high do
		local middle = math.floor((low + high + 1) / 2)
		if spans.firsts[middle] <= port then low = middle else high = middle - 1 end
	end
	return spans.said[low]
end

-- multicast reports a multicast address or the limited broadcast address: who
-- has it is not the client.
local function multicast(address)
	address = address:lower():gsub("^::ffff:", "")
	if address:find("^ff%x%x:") or address == "255.255.255.255" then return true end
	local first = tonumber(address:match("^(%d+)%.%d+%.%d+%.%d+$"))
	return first ~= nil and first >= 224 and first < 240
end

-- clients_port reports ports that are assigned for who begins the conversation.
local function clients_port(port) return port == 20 or port == 68 or port == 546 end

-- by_ports applies the rules that have nothing but the two ports. Both name the
-- lower one.
local function by_ports(source, destination)
	local s, d = source.port, destination.port
	if s == d then return "both", "equal-ports" end
	local side, low, high, low_said, high_said = "destination", d, s, destination.said, source.said
	if s < d then
		side, low, high, low_said, high_said = "source", s, d, source.said, destination.said
	end
	local reserved = low >= 512 and low < 1024
	if clients_port(low) then return end
	if reserved and low_said.status ~= "assigned" then return end
	if low < 32768 and high >= 32768 then return side, "high-port" end
	if low < 512 and high >= 512 or reserved and high >= 1024 and high_said.status ~= "assigned" then
		return side, "system-port"
	end
end

-- decide gives the side of the service and the reason, or nothing.
local function decide(source, destination, server, reason)
	if server == source.key then return "source", reason end
	if server == destination.key then return "destination", reason end
	if source.multicast ~= destination.multicast then
		local group, side = source, "source"
		if destination.multicast then group, side = destination, "destination" end
		if group.port < 49152 and not clients_port(group.port) then return side, "multicast" end
		return
	end
	return by_ports(source, destination)
end

local protocols = Field.new("frame.protocols")
local ports = {
	tcp = { Field.new("tcp.srcport"), Field.new("tcp.dstport") },
	udp = { Field.new("udp.srcport"), Field.new("udp.dstport") },
	sctp = { Field.new("sctp.srcport"), Field.new("sctp.dstport") },
}
local addresses = {
	ip = { Field.new("ip.src"), Field.new("ip.dst") },
	ipv6 = { Field.new("ipv6.src"), Field.new("ipv6.dst") },
}
local tcp_stream, tcp_syn, tcp_ack = Field.new("tcp.stream"), Field.new("tcp.flags.syn"), Field.new("tcp.flags.ack")
local tcp_reset = Field.new("tcp.flags.reset")
local sctp_chunk = Field.new("sctp.chunk_type")

-- last_info gives a field in the innermost header that has it.
local function last_info(field)
	local all = { field() }
	return all[#all]
end

local function last(field)
	local info = last_info(field)
	return info and info.value
end

-- innermost gives the network protocol and the transport whose addresses and
-- ports are those of the packet, or nothing: of a packet in a tunnel they are
-- those inside, and a packet that an ICMP error quotes is not one.
local function innermost()
	local layers = protocols()
	local network, transport
	for layer in (layers and layers.value or ""):gmatch("[^:]+") do
		if layer == "icmp" or layer == "icmpv6" then return end
		if addresses[layer] then
			network, transport = layer, nil
		elseif layer == "udplite" or layer == "dccp" then
			transport = nil
		elseif ports[layer] then
			transport = layer
		end
	end
	return network, transport
end

-- openings has, by conversation, the number of the first frame that says of an
-- end that it is the server: opened by what was sent to it, accepted by its
-- answer. Frame numbers make the answer for a packet the same whenever it is
-- looked at.
local openings = {}

local function note(conversation, kind, key, number)
	local seen = openings[conversation]
	if not seen then
		seen = { opened = {}, accepted = {} }
		openings[conversation] = seen
	end
	seen[kind][key] = math.min(seen[kind][key] or number, number)
end

-- first gives the end that a kind of frame named up to this number, and whether
-- both were.
local function first(seen, source, destination, number)
	local s, d = seen[source], seen[destination]
	if s and s > number then s = nil end
	if d and d > number then d = nil end
	if s and d then return s < d and source or destination, true end
	return s and source or d and destination
end

-- handshake gives the end that the opening of the conversation, as far as it was
-- seen up to this packet, names as the server, and the reason.
local function handshake(transport, source, destination, number)
	local conversation, opens, accepts
	if transport == "tcp" then
		local stream = last(tcp_stream)
		if stream == nil then return end
		conversation = "tcp " .. stream
		if last(tcp_syn) and not last(tcp_reset) then
			accepts = last(tcp_ack)
			opens = not accepts
		end
	elseif transport == "sctp" then
		local a, b = source.key, destination.key
		if b < a then a, b = b, a end
		conversation = "sctp " .. a .. " " .. b
		local chunk = last(sctp_chunk) -- INIT and INIT ACK stand alone (RFC 9260 section 6.10)
		opens, accepts = chunk == 1, chunk == 2
	else
		return
	end
	if source.key == destination.key then return end
	if opens then note(conversation, "opened", destination.key, number) end
	if accepts then note(conversation, "accepted", source.key, number) end
	local seen = openings[conversation]
	if not seen then return end
	local server, both = first(seen.opened, source.key, destination.key, number)
	if both then return end -- simultaneous openings name no server
	if server then return server, "handshake" end
	return first(seen.accepted, source.key, destination.key, number), "handshake-answer"
end

local proto = Proto("portannot", "Port registrations (IANA)")
local f = {
	service = ProtoField.string("portannot.service", "Service"),
	status = ProtoField.string("portannot.status", "Status"),
	name = ProtoField.string("portannot.name", "Registered name"),
	side = ProtoField.string("portannot.service.side", "Service side"),
	reason = ProtoField.string("portannot.service.reason", "Reason"),
	source_status = ProtoField.string("portannot.source_registered.status", "Source port, status"),
	source_name = ProtoField.string("portannot.source_registered.name", "Source port, registered name"),
	destination_status = ProtoField.string("portannot.destination_registered.status", "Destination port, status"),
	destination_name = ProtoField.string("portannot.destination_registered.name", "Destination port, registered name"),
	caveat = ProtoField.string("portannot.caveat", "Caveat"),
}
proto.fields = f

function proto.init() openings = {} end

function proto.dissector(_, pinfo, tree)
	local network, transport = innermost()
	if not network or not transport then return end
	local function read_end(i)
		-- The text of the field has numbers; that of its value may have a host's name.
		local port, ip = last(ports[transport][i]), tostring(last_info(addresses[network][i]))
		return port and { port = port, key = ip .. " " .. port, multicast = multicast(ip), said = lookup(transport, port) }
	end
	local source, destination = read_end(1), read_end(2)
	if not source or not destination then return end
	local side, reason = decide(source, destination, handshake(transport, source, destination, pinfo.number))

	local item = tree:add(proto)
	item:set_generated()
	local function add(field, value)
		if value then item:add(field, value):set_generated() end
	end
	if side then
		local service = side == "source" and source or destination
		local port = string.format("%d/%s", service.port, transport)
		item:append_text(": " .. port .. " " .. (service.said.name or service.said.status))
		add(f.service, port)
		add(f.status, service.said.status)
		add(f.name, service.said.name)
	else
		item:append_text(": no side known as the service")
	end
	add(f.side, side or "none")
	add(f.reason, reason or "none")
	add(f.source_status, source.said.status)
	add(f.source_name, source.said.name)
	add(f.destination_status, destination.said.status)
	add(f.destination_name, destination.said.name)
	add(f.caveat, caveat)
end

register_postdissector(proto)

##! What the IANA port registry says of a connection's ports, from the file of
##! `portannot registry export -o zeek -w portannot.tsv`. Adds columns to
##! conn.log. The service is the responder: for certain where Zeek saw a TCP
##! connection begin, else likely; and not where the other end accepted it.
##! registration-does-not-validate-traffic

module Portannot;

export {
	## The file with the table.
	const table_file = "portannot.tsv" &redef;

	type Key: record {
		transport: string;
		num: count;
	};

	type Registration: record {
		status: string;
		name: string &optional;
		names: vector of string &optional;
		description: string &optional;
		registration_date: string &optional;
		unauthorized_use: string &optional;
		deassigned_date: string &optional;
		deassigned_name: string &optional;
		edition: string &optional;
		caveat: string &optional;
	};

	global registry: table[string, count] of Registration = table();

	## Says what the registry says of a port. Ports without a row have their
	## status by rule (RFC 6335 section 6).
	global lookup: function(transport: string, num: count): Registration;
}

function lookup(transport: string, num: count): Registration
	{
	if ( [transport, num] in registry )
		return registry[transport, num];
	return Registration($status=(num >= 49152 ? "dynamic" : "unassigned"), $caveat="registration-does-not-validate-traffic");
	}

redef record Conn::Info += {
	portannot_service_side: string &log &optional;
	portannot_service_port: count &log &optional;
	portannot_service_reason: string &log &optional;
	portannot_service_confidence: string &log &optional;
	portannot_registered_status: string &log &optional;
	portannot_registered_name: string &log &optional;
	portannot_registered_names: vector of string &log &optional;
	portannot_source_registered_status: string &log &optional;
	portannot_source_registered_name: string &log &optional;
	portannot_caveat: string &log &optional;
};

event zeek_init()
	{
	Input::add_table([$source=table_file, $name="portannot", $idx=Key, $val=Registration, $destination=registry]);
	}

event connection_state_remove(c: connection) &priority=3
	{
	if ( ! c?$conn )
		return;
	local proto = get_port_transport_proto(c$id$resp_p);
	if ( proto != tcp && proto != udp )
		return;
	local t = proto == tcp ? "tcp" : "udp";
	local service = lookup(t, port_to_count(c$id$resp_p));
	local source = lookup(t, port_to_count(c$id$orig_p));
	if ( proto == udp || /[Hs]/ !in c$history )
		{
		local seen = proto == tcp && /[Sh]/ in c$history && /.\^/ !in c$history;
		c$conn$portannot_service_side = "destination";
		c$conn$portannot_service_port = port_to_count(c$id$resp_p);
		c$conn$portannot_service_reason = seen ? "stated" : "hint";
		c$conn$portannot_service_confidence = seen ? "certain" : "likely";
		c$conn$portannot_registered_status = service$status;
		if ( service?$name )
			c$conn$portannot_registered_name = service$name;
		if ( service?$names )
			c$conn$portannot_registered_names = service$names;
		}
	c$conn$portannot_source_registered_status = source$status;
	if ( source?$name )
		c$conn$portannot_source_registered_name = source$name;
	c$conn$portannot_caveat = "registration-does-not-validate-traffic";
	}

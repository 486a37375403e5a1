SELECT *,
  multiIf(portannot_service_reason = 'stated', 'certain', portannot_service_reason = 'none', 'none', 'likely') AS portannot_service_confidence,
  multiIf(portannot_service_side = 'none', -1, portannot_service_side = 'source', s, d) AS portannot_service_port,
  multiIf(portannot_service_side = 'none', '', portannot_service_side = 'source', portannot_source_registered_status, portannot_destination_registered_status) AS portannot_registered_status,
  multiIf(portannot_service_side = 'none', '', portannot_service_side = 'source', portannot_source_registered_name, portannot_destination_registered_name) AS portannot_registered_name,
  if(portannot_service_side = 'source', portannot_source_registered_names, if(portannot_service_side = 'none', emptyArrayString(), portannot_destination_registered_names)) AS portannot_registered_names,
  'registration-does-not-validate-traffic' AS portannot_caveat
FROM (
  SELECT *,
    multiIf(transport = '', 'none',
      stated IN ('source', 'destination'), 'stated',
      dst_multicast AND NOT src_multicast AND d < 49152 AND d NOT IN (20, 68, 546), 'multicast',
      src_multicast AND NOT dst_multicast AND s < 49152 AND s NOT IN (20, 68, 546), 'multicast',
      hint IN ('source', 'destination'), 'hint',
      src_multicast != dst_multicast, 'none',
      s < 0 OR d < 0, 'none',
      s = d, 'equal-ports',
      least(s, d) IN (20, 68, 546), 'none',
      s < d AND s BETWEEN 512 AND 1023 AND portannot_source_registered_status != 'assigned', 'none',
      d < s AND d BETWEEN 512 AND 1023 AND portannot_destination_registered_status != 'assigned', 'none',
      (s >= 32768) != (d >= 32768), 'high-port',
      (s < 512) != (d < 512), 'system-port',
      s BETWEEN 512 AND 1023 AND d >= 1024 AND portannot_destination_registered_status != 'assigned', 'system-port',
      d BETWEEN 512 AND 1023 AND s >= 1024 AND portannot_source_registered_status != 'assigned', 'system-port',
      'none') AS portannot_service_reason,
    multiIf(portannot_service_reason = 'stated', stated, portannot_service_reason = 'hint', hint, portannot_service_reason = 'none', 'none',
      portannot_service_reason = 'equal-ports', 'both', portannot_service_reason = 'multicast', if(dst_multicast, 'destination', 'source'),
      d < s, 'destination', 'source') AS portannot_service_side
  FROM (
    SELECT * FROM (
      SELECT *,
        multiIf(lower(proto) IN ('tcp', '6'), 'tcp', lower(proto) IN ('udp', '17', 'udplite', '136'), 'udp',
          lower(proto) IN ('sctp', '132'), 'sctp', lower(proto) IN ('dccp', '33'), 'dccp', '') AS transport,
        toInt32(if(transport != '' AND (src_port > 0 OR (src_port = 0 AND dst_port > 0 AND transport != 'sctp')), src_port, -1)) AS s,
        toInt32(if(transport != '' AND (dst_port > 0 OR (dst_port = 0 AND src_port > 0 AND transport != 'sctp')), dst_port, -1)) AS d,
        match(lower(src_ip), '^((::ffff:)?(22[4-9]|23[0-9])\\.|(::ffff:)?255\\.255\\.255\\.255$|ff[0-9a-f][0-9a-f]:)') AS src_multicast,
        match(lower(dst_ip), '^((::ffff:)?(22[4-9]|23[0-9])\\.|(::ffff:)?255\\.255\\.255\\.255$|ff[0-9a-f][0-9a-f]:)') AS dst_multicast
      FROM flows
    ) AS named ANY LEFT JOIN (
      SELECT transport, toInt32(port) AS s, status AS portannot_source_registered_status, name AS portannot_source_registered_name, names AS portannot_source_registered_names FROM portannot
    ) AS sources USING (transport, s)
  ) AS half ANY LEFT JOIN (
    SELECT transport, toInt32(port) AS d, status AS portannot_destination_registered_status, name AS portannot_destination_registered_name, names AS portannot_destination_registered_names
    FROM portannot
  ) AS destinations USING (transport, d)
)

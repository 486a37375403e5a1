WITH named AS (
  SELECT *,
    CASE lower(proto) WHEN 'tcp' THEN 'tcp' WHEN '6' THEN 'tcp' WHEN 'udp' THEN 'udp' WHEN '17' THEN 'udp'
      WHEN 'udplite' THEN 'udp' WHEN '136' THEN 'udp' WHEN 'sctp' THEN 'sctp' WHEN '132' THEN 'sctp'
      WHEN 'dccp' THEN 'dccp' WHEN '33' THEN 'dccp' END AS transport,
    replace(lower(coalesce(src_ip, '')), '::ffff:', '') AS src, replace(lower(coalesce(dst_ip, '')), '::ffff:', '') AS dst
  FROM flows
), reported AS (
  SELECT *,
    CASE WHEN src_port > 0 OR transport <> 'sctp' AND src_port = 0 AND dst_port > 0 THEN src_port END AS s_port,
    CASE WHEN dst_port > 0 OR transport <> 'sctp' AND dst_port = 0 AND src_port > 0 THEN dst_port END AS d_port,
    src LIKE 'ff__:%' OR src = '255.255.255.255'
      OR src LIKE '___.%.%.%' AND src >= '224.' AND src < '240.' AS src_multicast,
    dst LIKE 'ff__:%' OR dst = '255.255.255.255'
      OR dst LIKE '___.%.%.%' AND dst >= '224.' AND dst < '240.' AS dst_multicast
  FROM named
), joined AS (
  SELECT f.*, s.status AS portannot_source_registered_status, s.name AS portannot_source_registered_name, s.names AS portannot_source_registered_names, s.port AS s,
    d.status AS portannot_destination_registered_status, d.name AS portannot_destination_registered_name, d.names AS portannot_destination_registered_names, d.port AS d
  FROM reported f
  LEFT JOIN portannot s ON s.transport = f.transport AND s.port = f.s_port
  LEFT JOIN portannot d ON d.transport = f.transport AND d.port = f.d_port
), ruled AS (
  SELECT *,
    CASE WHEN transport IS NULL THEN 'none'
      WHEN stated IN ('source', 'destination') THEN 'stated'
      WHEN dst_multicast AND NOT src_multicast AND coalesce(d, 0) < 49152 AND coalesce(d, 0) NOT IN (20, 68, 546) THEN 'multicast'
      WHEN src_multicast AND NOT dst_multicast AND coalesce(s, 0) < 49152 AND coalesce(s, 0) NOT IN (20, 68, 546) THEN 'multicast'
      WHEN hint IN ('source', 'destination') THEN 'hint'
      WHEN src_multicast <> dst_multicast THEN 'none'
      WHEN s IS NULL OR d IS NULL THEN 'none'
      WHEN s = d THEN 'equal-ports'
      WHEN least(s, d) IN (20, 68, 546) THEN 'none'
      WHEN s < d AND s BETWEEN 512 AND 1023 AND portannot_source_registered_status <> 'assigned' THEN 'none'
      WHEN d < s AND d BETWEEN 512 AND 1023 AND portannot_destination_registered_status <> 'assigned' THEN 'none'
      WHEN (s >= 32768) <> (d >= 32768) THEN 'high-port'
      WHEN (s < 512) <> (d < 512) THEN 'system-port'
      WHEN s BETWEEN 512 AND 1023 AND d >= 1024 AND portannot_destination_registered_status <> 'assigned' THEN 'system-port'
      WHEN d BETWEEN 512 AND 1023 AND s >= 1024 AND portannot_source_registered_status <> 'assigned' THEN 'system-port'
      ELSE 'none' END AS portannot_service_reason
  FROM joined
), sided AS (
  SELECT *,
    CASE portannot_service_reason WHEN 'stated' THEN stated WHEN 'hint' THEN hint WHEN 'none' THEN 'none'
      WHEN 'multicast' THEN CASE WHEN dst_multicast THEN 'destination' ELSE 'source' END
      WHEN 'equal-ports' THEN 'both'
      ELSE CASE WHEN d < s THEN 'destination' ELSE 'source' END END AS portannot_service_side
  FROM ruled
)
SELECT f.*,
  CASE portannot_service_reason WHEN 'stated' THEN 'certain' WHEN 'none' THEN 'none' ELSE 'likely' END AS portannot_service_confidence,
  CASE portannot_service_side WHEN 'none' THEN NULL WHEN 'source' THEN s ELSE d END AS portannot_service_port,
  CASE portannot_service_side WHEN 'none' THEN NULL WHEN 'source' THEN portannot_source_registered_status ELSE portannot_destination_registered_status END AS portannot_registered_status,
  CASE portannot_service_side WHEN 'none' THEN NULL WHEN 'source' THEN portannot_source_registered_name ELSE portannot_destination_registered_name END AS portannot_registered_name,
  CASE portannot_service_side WHEN 'none' THEN NULL WHEN 'source' THEN portannot_source_registered_names ELSE portannot_destination_registered_names END AS portannot_registered_names,
  'registration-does-not-validate-traffic' AS portannot_caveat
FROM sided f

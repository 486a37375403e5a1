package main

const policyHelp = `A policy says which services are expected, in YAML. An unknown key
or name is an error; otherwise part of the policy would silently be missing.

  version: 1
  groups:                           # names for addresses
    offices: [10.20.0.0/24, 2001:db8:20::/64]
    dns: [10.20.0.53]
  expected:
    - name: resolver                # what people call it
      ports: [domain]               # a registered name: all its transports
      servers: [dns]                # addresses, prefixes, groups; without: any
      clients: [offices]
      owner: network team
      reason: name resolution
    - name: the old billing
      ports: [8443/tcp, 9000-9010/tcp]
      servers: [10.20.0.20]
      ticket: CHG-1042
      expires: 2026-12-31           # the last day on which it is expected, UTC
      accept: [port-unassigned]     # findings that are known
    - ports: [https, 8080]
      transport: tcp                # for bare numbers, and to restrict names
      servers: [10.20.0.80]
  ignore:                           # counted, but not reviewed
    - clients: [10.20.0.250]
      reason: the vulnerability scanner

An entry of expected must have ports ("any" is all). An entry of ignore must
have a reason, and one of ports, transport, servers and clients.

accept takes: observed-contradicts, port-deassigned, port-reserved,
port-unassigned, port-dynamic, port-other-transport, unauthorized-use,
registered-later.
`

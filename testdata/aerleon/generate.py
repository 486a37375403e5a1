#!/usr/bin/env python3
"""Writes policies as rules of several firewalls, with Aerleon.

    pip install aerleon
    testdata/aerleon/generate.py FOLDER

For each policy, FOLDER gets NAME.asa, NAME.iptables, NAME.nft and NAME.pf, except
that those for IPv6 have no .asa, and those with exceptions no .pf. TestAerleon of annotate/review/rules reads
them, and asks all of them the same.
"""
import pathlib
import sys

from aerleon import api
from aerleon.lib import naming

NETWORKS = {
    "OFFICE": ["10.10.0.0/16", "2001:db8:10::/48"],
    "GUESTS": ["10.10.66.0/24", "2001:db8:10:66::/64"],
    "SERVERS": ["10.30.0.0/24", "10.30.4.0/22", "2001:db8:30::/48"],
    "WEB": ["10.30.0.5/32", "10.30.0.6/32", "2001:db8:30::5/128"],
    "BAD": ["198.51.100.0/24", "203.0.113.66/32", "2001:db8:bad::/48"],
    "PARTNER": ["203.0.113.0/25", "2001:db8:99::/48"],
    "EVERYTHING": ["0.0.0.0/0", "::/0"],
}
SERVICES = {
    "HTTP": [("tcp", 80)],
    "HTTPS": [("tcp", 443), ("udp", 443)],
    "DNS": [("tcp", 53), ("udp", 53)],
    "SSH": [("tcp", 22)],
    "APP": [("tcp", "8000-8099")],
    "SYSLOG": [("udp", 514)],
    "HIGH": [("tcp", "1024-65535"), ("udp", "1024-65535")],
    "ALL": [("tcp", "0-65535"), ("udp", "0-65535")],
}
POLICIES = {
    "first": [
        dict(name="bad", **{"source-address": "BAD"}, action="deny"),
        dict(name="web", **{"destination-address": "WEB", "protocol": "tcp", "destination-port": "HTTP HTTPS"}, action="accept"),
        dict(name="dns", **{"source-address": "OFFICE", "destination-address": "SERVERS", "protocol": "tcp udp", "destination-port": "DNS"}, action="accept"),
        dict(name="ssh", **{"source-address": "OFFICE", "destination-address": "SERVERS", "protocol": "tcp", "destination-port": "SSH"}, action="accept"),
        dict(name="app", **{"source-address": "OFFICE PARTNER", "destination-address": "SERVERS", "protocol": "tcp", "source-port": "HIGH", "destination-port": "APP"}, action="accept"),
        dict(name="rest", action="deny"),
    ],
    "order": [
        dict(name="guests-web", **{"source-address": "GUESTS", "destination-address": "WEB", "protocol": "tcp", "destination-port": "HTTP"}, action="accept"),
        dict(name="guests", **{"source-address": "GUESTS"}, action="deny"),
        dict(name="no-ssh", **{"destination-address": "WEB", "protocol": "tcp", "destination-port": "SSH"}, action="deny"),
        dict(name="office", **{"source-address": "OFFICE", "protocol": "tcp udp", "destination-port": "ALL"}, action="accept"),
        dict(name="syslog", **{"destination-address": "SERVERS", "protocol": "udp", "destination-port": "SYSLOG"}, action="accept"),
        dict(name="partner", **{"source-address": "PARTNER", "destination-address": "SERVERS"}, action="accept"),
        dict(name="rest", action="deny"),
    ],
    "open": [
        dict(name="bad-to-servers", **{"source-address": "BAD", "destination-address": "SERVERS", "protocol": "tcp udp"}, action="deny"),
        dict(name="no-telnet", **{"protocol": "tcp", "destination-port": "SSH"}, action="deny"),
        dict(name="no-high", **{"source-address": "PARTNER", "protocol": "udp", "destination-port": "HIGH"}, action="deny"),
        dict(name="rest", action="accept"),
    ],
    "except": [
        dict(name="office", **{"source-address": "OFFICE", "source-exclude": "GUESTS", "destination-address": "SERVERS", "protocol": "tcp", "destination-port": "ALL"}, action="accept"),
        dict(name="syslog", **{"source-address": "PARTNER", "destination-address": "SERVERS", "destination-exclude": "WEB", "protocol": "udp", "destination-port": "SYSLOG"}, action="accept"),
        dict(name="bad", **{"source-address": "BAD", "source-exclude": "PARTNER"}, action="deny"),
        dict(name="web", **{"destination-address": "WEB", "protocol": "tcp udp", "destination-port": "HTTPS"}, action="accept"),
        dict(name="rest", action="deny"),
    ],
}
# Aerleon writes exceptions for pf as "{ <A>, !<B> }", which pf takes for A or not B.
WITHOUT_PF = {"except"}


def targets(version):
    v6 = version == 6
    all = {
        "iptables": "FORWARD DROP inet6" if v6 else "FORWARD DROP",
        "nftables": "inet6 forward DROP" if v6 else "inet forward DROP",
        "packetfilter": "forward in inet6" if v6 else "forward in inet",
    }
    if not v6:
        all["ciscoasa"] = "outside_access_in"
    return all


def main(folder):
    folder = pathlib.Path(folder)
    defs = naming.Naming()
    defs.ParseDefinitionsObject({
        "networks": {n: {"values": [{"address": a} for a in all]} for n, all in NETWORKS.items()},
        "services": {n: [{"protocol": p, "port": port} for p, port in all] for n, all in SERVICES.items()},
    }, "")
    for name, terms in POLICIES.items():
        for version in 4, 6:
            for target, header in targets(version).items():
                if target == "packetfilter" and name in WITHOUT_PF:
                    continue
                policy = {"filename": name, "filters": [{"header": {"targets": {target: header}}, "terms": [dict(t) for t in terms]}]}
                (text,) = api.Generate([policy], defs).values()
                kind = {"ciscoasa": "asa", "nftables": "nft", "packetfilter": "pf"}.get(target, target)
                (folder / f"{name}{version}.{kind}").write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])

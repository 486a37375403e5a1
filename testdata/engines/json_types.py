#!/usr/bin/env python3
"""Loads portannot's JSON Lines without options, and checks the types of what comes.

    python3 -m venv /tmp/engines && /tmp/engines/bin/pip install duckdb==2.0.1 pandas==3.1.1
    /tmp/engines/bin/python testdata/engines/json_types.py PORTANNOT [CAPTURE]

Run with DuckDB 2.0.1 and pandas 3.1.1.
"""
import os
import subprocess
import sys
import tempfile

import duckdb
import pandas

here = os.path.dirname(os.path.abspath(__file__))
program = sys.argv[1]
capture = sys.argv[2] if len(sys.argv) > 2 else os.path.join(here, "..", "captures", "demo.pcap")


def lines(*flags):
    return subprocess.run([program, "-q", "-r", capture, "-o", "json", *flags], check=True, capture_output=True).stdout


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got!r}, want {want!r}")


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "flows.json")
    with open(path, "wb") as f:
        f.write(lines())
    flows = f"FROM read_json_auto('{path}')"
    for expression, want in {
        '"@timestamp"': "TIMESTAMP WITH TIME ZONE",
        'event."end"': "TIMESTAMP WITH TIME ZONE",
        "event.duration": "BIGINT",
        "source.port": "BIGINT",
        "server.bytes": "BIGINT",
        "portannot.registered.listed": "BOOLEAN",
        "portannot.registered.names": "VARCHAR[]",
        "portannot.observed.protocol": "VARCHAR",
    }.items():
        check("DuckDB, type of " + expression, duckdb.sql(f"SELECT typeof({expression}) {flows} WHERE server IS NOT NULL LIMIT 1").fetchall()[0][0], want)
    rows = len(open(path).readlines())
    check("DuckDB, rows", duckdb.sql("SELECT count(*) " + flows).fetchall()[0][0], rows)

    # A capture in microseconds loses nothing; nanoseconds are cut.
    text = open(path).readline()
    exact = os.path.join(folder, "nanoseconds.json")
    with open(exact, "w") as f:
        f.write(text.replace("000000000Z", "123456789Z"))
    microsecond = duckdb.sql(f"""SELECT epoch_us("@timestamp") % 1000000 FROM read_json_auto('{exact}')""").fetchall()[0][0]
    check("DuckDB, microseconds", microsecond, 123456)

    frame = pandas.read_json(path, lines=True)
    check("pandas, rows", len(frame), rows)
    # pandas takes a column for a time by its name alone, and @timestamp is none of those names.
    times = pandas.to_datetime(pandas.read_json(exact, lines=True)["@timestamp"])
    check("pandas, nanoseconds", times[0].nanosecond, 789)

    # The groups of --by have times too.
    with open(path, "wb") as f:
        f.write(lines("--by", "service"))
    check("DuckDB, type of start", duckdb.sql(f"SELECT typeof(start) FROM read_json_auto('{path}')").fetchall()[0][0], "TIMESTAMP WITH TIME ZONE")

print(f"DuckDB {duckdb.__version__}, pandas {pandas.__version__}: {rows} flows, types as wanted")

#!/usr/bin/env python3
"""Loads portannot's JSON Lines, CSV and Parquet, and checks the types of what comes.

    python3 -m venv /tmp/engines
    /tmp/engines/bin/pip install duckdb==2.0.1 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1
    /tmp/engines/bin/python testdata/engines/read_types.py PORTANNOT [PORTANNOT-PARQUET]

JSON Lines are read without options. CSV has no types of its own: pandas and Polars are
told which columns are times.
"""
import os
import subprocess
import sys
import tempfile

import duckdb
import pandas
import polars
import pyarrow

here = os.path.dirname(os.path.abspath(__file__))
program = sys.argv[1]
parquet = sys.argv[2] if len(sys.argv) > 2 else None
capture = os.path.join(here, "..", "captures", "demo.pcap")


def lines(*flags, form="json"):
    return subprocess.run([program, "-q", "-r", capture, "-o", form, *flags], check=True, capture_output=True).stdout


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

    flows = polars.read_ndjson(path)
    check("Polars, rows", len(flows), rows)
    server = flows["server"].struct.field("port")
    check("Polars, type of server.port", server.dtype, polars.Int64)
    names = flows["portannot"].struct.field("registered").struct.field("names")
    check("Polars, type of names", names.dtype, polars.List(polars.String))
    times = flows["@timestamp"].str.to_datetime(time_unit="ns", time_zone="UTC")
    check("Polars, times", times.null_count(), 0)

    # CSV.
    table = os.path.join(folder, "flows.csv")
    with open(table, "wb") as f:
        f.write(lines(form="csv"))
    frame = pandas.read_csv(table, parse_dates=["@timestamp", "event.end"])
    check("pandas, rows of CSV", len(frame), rows)
    check("pandas, type of a time in CSV", str(frame["@timestamp"].dtype).startswith("datetime64"), True)
    check("pandas, type of source.port in CSV", frame["source.port"].dtype.kind, "i")
    flows = polars.read_csv(table, try_parse_dates=True, infer_schema_length=None)
    check("Polars, rows of CSV", len(flows), rows)
    check("Polars, type of a time in CSV", flows["@timestamp"].dtype.is_temporal(), True)
    check("Polars, type of source.port in CSV", flows["source.port"].dtype, polars.Int64)
    check("DuckDB, type of a time in CSV", duckdb.sql(f"""SELECT typeof("@timestamp") FROM read_csv('{table}') LIMIT 1""").fetchall()[0][0], "TIMESTAMP WITH TIME ZONE")

    # Parquet has types.
    if parquet:
        columns = os.path.join(folder, "flows.parquet")
        subprocess.run([parquet, "-w", columns, table], check=True)
        frame = pandas.read_parquet(columns)
        check("pandas, rows of Parquet", len(frame), rows)
        check("pandas, type of a time in Parquet", str(frame["@timestamp"].dtype).startswith("datetime64"), True)
        check("pandas, names in Parquet", list(frame["portannot.registered.names"].dropna().iloc[0]), ["bootps"])
        flows = polars.read_parquet(columns)
        check("Polars, rows of Parquet", len(flows), rows)
        check("Polars, type of a time in Parquet", flows["@timestamp"].dtype.is_temporal(), True)
        check("Polars, type of names in Parquet", flows["portannot.registered.names"].dtype, polars.List(polars.String))

    # The groups of --by have times too.
    with open(path, "wb") as f:
        f.write(lines("--by", "service"))
    check("DuckDB, type of start", duckdb.sql(f"SELECT typeof(start) FROM read_json_auto('{path}')").fetchall()[0][0], "TIMESTAMP WITH TIME ZONE")

print(f"DuckDB {duckdb.__version__}, pandas {pandas.__version__}, Polars {polars.__version__}, pyarrow {pyarrow.__version__}: {rows} flows, types as wanted")

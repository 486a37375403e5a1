"""Runs SQL on DuckDB, and prints the rows of the last statement: duckdb_run.py DATABASE <SCRIPT"""

import sys

import duckdb

result = duckdb.connect(sys.argv[1]).execute(sys.stdin.read())
for row in result.fetchall():
    print(",".join(str(v) for v in row))

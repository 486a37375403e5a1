"""Runs SQL on chDB, which is ClickHouse in a library: clickhouse.py FOLDER <SCRIPT

The folder holds the database. Statements end with a semicolon at the end of a line. Rows
are printed as CSV."""

import sys

from chdb import session


def statements(lines):
    statement = ""
    for line in lines:
        if not statement and (not line.strip() or line.startswith("--")):
            continue
        statement += line
        if line.rstrip().endswith(";"):
            yield statement.rstrip().removesuffix(";")
            statement = ""
    if statement:
        yield statement


db = session.Session(sys.argv[1])
db.query("CREATE DATABASE IF NOT EXISTS portannot")
db.query("USE portannot")
for s in statements(sys.stdin):
    sys.stdout.write(str(db.query(s, "CSV")))

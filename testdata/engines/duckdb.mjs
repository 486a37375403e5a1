// Runs the SQL of standard input on a DuckDB database: node duckdb.mjs FOLDER DATABASE, where FOLDER has @duckdb/node-api
// as install-duckdb.sh leaves it. The rows of the last statement go to standard output as JSON, one a line.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [folder, database] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(join(resolve(folder), 'package.json'))('@duckdb/node-api');
const connection = await (await DuckDBInstance.create(database, { threads: '2', memory_limit: '3GB' })).connect();
const rows = await connection.runAndReadAll(readFileSync(0, 'utf8'));
for (const row of rows.getRowsJson()) console.log(JSON.stringify(row));
connection.closeSync();

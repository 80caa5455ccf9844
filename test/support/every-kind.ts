import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import avsc from 'avsc';
import { avroFile } from '../../src/formats/avro/file.fixture.ts';
import { bookOf } from '../../src/formats/xlsx/workbook.fixture.ts';
import { zipOf } from '../../src/formats/zip.fixture.ts';
import { tarOf, tgzOf } from './archives.ts';

/** A file of each kind that its name tells, by name; archives hold such files. Each has one record, `id` and `v`; for XML `record: rows/row` is needed. */
export async function everyKind(): Promise<Readonly<Record<string, string | Buffer>>> {
  const long = avsc.Type.forSchema('long');
  const text = avsc.Type.forSchema('string');
  const record = {
    type: 'record',
    name: 'R',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'v', type: 'string' },
    ],
  };
  const sheet =
    '<row r="1"><c r="A1" t="str"><v>id</v></c><c r="B1" t="str"><v>v</v></c></row><row r="2"><c r="A2"><v>10</v></c><c r="B2" t="str"><v>x10</v></c></row>';
  return {
    'a.csv': 'id,v\n1,x1\n',
    'b.tsv': 'id\tv\n2\tx2\n',
    'c.txt': 'id;v\n3;x3\n',
    'd.csv.gz': gzipSync('id,v\n4,x4\n'),
    'sub/e.json': '[{"id":5,"v":"x5"}]',
    'sub/f.ndjson': '{"id":6,"v":"x6"}\n',
    'sub/deep/g.jsonl.gz': gzipSync('{"id":7,"v":"x7"}\n'),
    'h.xml': '<rows><row><id>8</id><v>x8</v></row></rows>',
    'i.avro': avroFile(record, [[Buffer.concat([long.toBuffer(9), text.toBuffer('x9')])]], 'deflate'),
    'j.xlsx': bookOf({ sheets: { One: sheet } }),
    'k.parquet': await parquetOf("select 11::bigint as id, 'x11' as v"),
    'l.zip': zipOf({ 'in/m.csv': 'id,v\n12,x12\n', 'n.json': '[{"id":13,"v":"x13"}]' }),
    'o.tar': await tarOf([{ name: 'p.xml', content: '<rows><row><id>14</id><v>x14</v></row></rows>' }]),
    'sub/q.tgz': await tgzOf([{ name: 'r.ndjson', content: '{"id":15,"v":"x15"}\n' }]),
  };
}

/** How many records {@link everyKind} has: their ids count from 1. */
export const EVERY_KIND_RECORDS = 15;

async function parquetOf(sql: string): Promise<Buffer> {
  const path = join(tmpdir(), `dataflow-kind-${process.pid}.parquet`);
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  try {
    await connection.run(`copy (${sql}) to '${path}'`);
    return readFileSync(path);
  } finally {
    connection.closeSync();
    rmSync(path, { force: true });
  }
}

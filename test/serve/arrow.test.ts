import { spawnSync } from 'node:child_process';
import { RecordBatchReader, tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PYTHON } from '../soak/lake-reader.ts';
import { type Served, serveProject } from './served-project.ts';

let served: Served;
beforeAll(async () => {
  served = await serveProject(
    `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } } }
gold:
  x:
    key: id
    sql: |
      select id, cast(id as decimal(38,4)) / 10 as ten, cast(if(id = 1, -12345678901234567890.1234, 0.5) as decimal(38,4)) as d,
        date '1969-12-31' + cast(least(id, 5) as integer) as day, timestamptz '1850-01-01 00:00:00.123456Z' as at,
        timestamp '2024-02-29 23:59:59.999999' as naive, id = 1 as yes, cast(least(id, 5) as smallint) as small, 1e290 * id as f, 'é😀' as w,
        case when id = 1 then [1.5, null, 2.5]::decimal(4,1)[] end as list,
        {a: id, b: {c: 'x', d: case when id = 2 then date '2024-01-01' end}} as s, map {'k': id, 'l': null} as m, 'ab'::blob as b,
        case when id = 3 then null else 'n' end as n
      from bronze.a
serve: { routes: { /many: { sql: "select range as i, sum(range) over () as total, 'w' || range as w from range(9999)" } } }
`,
    { 'in/a.csv': 'id\n1\n2\n3\n9007199254740993\n' },
  );
});
afterAll(() => served.close());

async function arrow(url: string, headers = {}) {
  const {
    rawPayload,
    headers: got,
    statusCode,
  } = await served.app.inject({ url, headers: { host: 'localhost', ...headers } });
  expect([statusCode, got['content-type']]).toEqual([200, 'application/vnd.apache.arrow.stream']);
  return rawPayload;
}

const X = '/api/v1/tables/gold/x?sort=id';

describe('an Arrow stream', () => {
  it('keeps the types and every digit, asked for by parameter or by Accept', async () => {
    const bytes = await arrow(`${X}&format=arrow`);
    expect((await arrow(X, { accept: 'application/vnd.apache.arrow.stream' })).equals(bytes)).toBe(true);
    const table = tableFromIPC(bytes);
    const types = Object.fromEntries(table.schema.fields.map(({ name, type }) => [name, String(type)]));
    expect(types).toMatchObject({
      id: 'Int64',
      day: 'Date32<DAY>',
      at: 'Timestamp<MICROSECOND, UTC>',
      yes: 'Bool',
      small: 'Int16',
    });
    expect(types['d']).toMatch(/^Decimal\[38e\+?4\]$/);
    expect(table.getChild('id')?.toArray()).toEqual(BigInt64Array.of(1n, 2n, 3n, 9007199254740993n));
    expect([...(table.getChild('n') ?? [])]).toEqual(['n', 'n', null, 'n']);
    expect(table.get(0)?.toJSON()['w']).toBe('é😀');
  });

  it('comes in batches, whatever a query counts in, and with a schema where there are no rows', async () => {
    const bytes = await arrow('/many?format=arrow');
    const batches = [...RecordBatchReader.from(bytes)];
    expect(batches.length).toBeGreaterThan(3);
    const table = tableFromIPC(bytes);
    expect([table.numRows, table.getChild('w')?.get(9_998)]).toEqual([9_999, 'w9998']);
    expect(String(table.schema.fields[1]?.type)).toMatch(/^Decimal\[38e\+?0\]$/);
    const none = tableFromIPC(await arrow(`${X}&id=77&format=arrow`));
    expect([none.numRows, none.schema.fields.length]).toEqual([0, 15]);
    expect(
      tableFromIPC(await arrow(`${X}&limit=2&offset=1&fields=id&format=arrow`))
        .toArray()
        .map((row) => row.id),
    ).toEqual([2n, 3n]);
  });

  it.skipIf(PYTHON === undefined)(
    `is read by pyarrow${PYTHON === undefined ? ' — skipped: DATAFLOW_PYTHON names no Python' : ''}`,
    async () => {
      const read = `import sys, json, pyarrow as pa
with pa.ipc.open_stream(sys.stdin.buffer) as stream: table = stream.read_all()
table.validate(full=True)
print(json.dumps({"types": {f.name: str(f.type) for f in table.schema}, "rows": table.to_pylist()}, default=str))`;
      const { stdout, stderr, status } = spawnSync(PYTHON ?? '', ['-c', read], {
        input: await arrow(`${X}&format=arrow`),
      });
      expect(status, String(stderr)).toBe(0);
      const { types, rows } = JSON.parse(String(stdout));
      expect(types).toEqual({
        id: 'int64',
        ten: 'double',
        d: 'decimal128(38, 4)',
        day: 'date32[day]',
        at: 'timestamp[us, tz=UTC]',
        naive: 'timestamp[us]',
        yes: 'bool',
        small: 'int16',
        f: 'double',
        w: 'string',
        list: 'list<item: decimal128(4, 1)>',
        s: 'struct<a: int64, b: struct<c: string, d: date32[day]>>',
        m: 'map<string, int64>',
        b: 'binary',
        n: 'string',
      });
      expect(rows[0]).toMatchObject({
        d: '-12345678901234567890.1234',
        day: '1970-01-01',
        at: '1850-01-01 00:00:00.123456+00:00',
        naive: '2024-02-29 23:59:59.999999',
        yes: true,
        list: ['1.5', null, '2.5'],
        s: { a: 1, b: { c: 'x', d: null } },
        m: [
          ['k', 1],
          ['l', null],
        ],
        n: 'n',
      });
      expect(rows[1]).toMatchObject({ yes: false, list: null, s: { b: { d: '2024-01-01' } }, small: 2 });
      expect(rows[2]['n']).toBeNull();
    },
  );
});

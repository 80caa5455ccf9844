import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Column } from '../../core/model/table.ts';
import type { ValueForms } from '../../core/model/value-forms.ts';
import type { EngineSession, ParseRequest } from '../../core/ports/engine.ts';
import { JsonMembers } from '../../kit/json-members.ts';
import { JsonObjectCheck } from '../../kit/json-object.ts';
import { openDuckDb } from './open-duckdb.ts';
import { plainRows } from './plain-json.ts';

const root = mkdtempSync(join(tmpdir(), 'dataflow-plain-json-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** How all lines are written, as a connector tells it. */
function formsOf(lines: readonly string[]): ValueForms {
  const members = new JsonMembers();
  const check = new JsonObjectCheck([], members);
  for (const line of lines) {
    const bytes = Buffer.from(line);
    expect(check.check(bytes, 0, bytes.length)).toBe(true);
    members.take();
  }
  return Object.fromEntries(
    (members.tell() ?? []).flatMap(({ name, form }) => (form === undefined ? [] : [[name, form]])),
  );
}

function column(name: string, type: string): Column {
  return { name, type, nullable: true };
}

const RUNS = Number(process.env['PLAIN_RUNS'] ?? 60);
let parses = 0;

/** Rows and rejects, as JSON. */
async function parsed(
  session: EngineSession,
  lines: readonly string[],
  columns: readonly Column[],
  forms?: ValueForms,
) {
  const folder = join(root, String(++parses));
  for (const part of ['data', 'rejects']) mkdirSync(join(folder, part), { recursive: true });
  const uri = join(root, 'lines.ndjson');
  writeFileSync(uri, lines.map((line) => `${line}\n`).join(''));
  const request: ParseRequest = {
    format: 'ndjson',
    files: [{ id: 'lines', uri, compression: 'none' }],
    columns,
    records: lines.length,
    target: { folder: join(folder, 'data'), columns: [...columns, column('_file', 'varchar')] },
    reject_folder: join(folder, 'rejects'),
    ...(forms === undefined ? {} : { forms }),
  };
  const { candidates, rejects, per_file } = await session.parse(request);
  const rows = async (files: typeof candidates): Promise<readonly string[]> =>
    (
      await Promise.all(
        files.map(({ uri: file }) =>
          session.rows(`select * from '${file}'`, { rows_max: lines.length }).then((all) => all),
        ),
      )
    ).flatMap((all) =>
      all.map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))),
    );
  const found = { rows: await rows(candidates), rejects: await rows(rejects), counts: [...per_file] };
  rmSync(folder, { recursive: true });
  return { ...found, quick: plainRows(request).quick !== undefined };
}

const TYPES = [
  'bigint',
  'integer',
  'double',
  'decimal(18,2)',
  'varchar',
  'boolean',
  'date',
  'timestamptz',
  'integer[]',
];

/** Texts of JSON values of one kind, so that most members have one form. */
const VALUES: readonly fc.Arbitrary<string>[] = [
  fc.integer().map(String),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
  fc.tuple(fc.integer({ min: -99999, max: 99999 }), fc.nat(99999)).map(([whole, part]) => `${whole}.${part}`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text.replaceAll('\0', ''))),
  fc
    .date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })
    .map((day) => JSON.stringify(day)),
  fc.constantFrom('"2026-02-30T00:00:00Z"', '"2026-01-31T12:00:00.123456Z"', '"2026-01-31T24:00:00Z"', '"epoch"'),
  fc.constantFrom('"0123"', '"12"', '"1.50"', '"true"', '"2026-01-31"', '"infinity"', '""', '"[1]"'),
  fc.boolean().map(String),
  fc.constantFrom('-0', '-0.0', '1e3', '1.50', '0', '123456789012345', '1234567890123456', '"\\u0041"', '"é"'),
  fc.array(fc.integer({ min: -5, max: 5 })).map((list) => JSON.stringify(list)),
  fc.constantFrom('{}', '{"a":1}', '[]', '[null,1.50]'),
];

const MEMBER = fc
  .tuple(fc.nat(VALUES.length - 1), fc.nat(VALUES.length - 1), fc.boolean())
  .map(([one, other, both]) =>
    both
      ? fc.oneof(VALUES[one] ?? fc.constant('1'), VALUES[other] ?? fc.constant('1'))
      : (VALUES[one] ?? fc.constant('1')),
  );

const CASE = fc
  .record({ types: fc.tuple(fc.constantFrom(...TYPES), fc.constantFrom(...TYPES)), members: fc.tuple(MEMBER, MEMBER) })
  .chain(({ types, members: [a, b] }) => {
    const record = fc
      .tuple(fc.option(fc.oneof({ weight: 6, arbitrary: a }, fc.constant('null'))), fc.option(b))
      .map(
        ([one, two]) =>
          `{${[...(one === null ? [] : [`"a":${one}`]), ...(two === null ? [] : [`"b":${two}`])].join(',')}}`,
      );
    return fc.record({ types: fc.constant(types), lines: fc.array(record, { minLength: 1, maxLength: 8 }) });
  });

describe('rows that are read without a look at each value', () => {
  it('are those of the usual way, and so are the rejects', async () => {
    const engine = await openDuckDb({ type: 'duckdb', threads: 1 }, { temp_folder: join(root, 'tmp') });
    const session = await engine.openSession({ label: 'plain' });
    let quick = 0;
    try {
      await fc.assert(
        fc.asyncProperty(CASE, async ({ types, lines }) => {
          const columns = [column('a', types[0]), column('b', types[1]), column('never', 'date')];
          const { quick: was_quick, ...ours } = await parsed(session, lines, columns, formsOf(lines));
          const { quick: _, ...usual } = await parsed(session, lines, columns);
          expect(ours).toEqual(usual);
          if (was_quick) quick += 1;
        }),
        { numRuns: RUNS },
      );
    } finally {
      await session.close();
      await engine.close();
    }
    expect(quick).toBeGreaterThan(RUNS / 5);
  }, 120_000);
});

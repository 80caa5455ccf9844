import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkParity, type ParityOptions, type ParityReport } from '../src/app/parity/check-parity.ts';
import type { Rooms } from '../src/app/rooms.ts';
import { DataflowError } from '../src/core/errors/dataflow-error.ts';
import type { TableParity } from '../src/core/model/parity.ts';
import type { Engine, EngineSession } from '../src/core/ports/engine.ts';
import { rooms } from '../src/main.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

const CONFIG = `sources:
  ventes: { type: files, path: "in/ventes*.csv", settle_seconds: 0, columns: { id: bigint, pays: varchar, montant: "decimal(12,2)" } }
  pays: { type: files, path: "in/pays.csv", settle_seconds: 0, columns: { code: varchar, nom: varchar } }
silver:
  pays: { from: pays, key: code }
  ventes:
    from: ventes
    key: id
    rules:
      - not_null: [montant]
      - references: { column: pays, table: silver.pays, on: code }
gold:
  par_pays: { key: [pays], sql: "select pays, sum(montant) as total, avg(montant) as moyenne from silver.ventes group by pays" }
  lignes: { sql: "select pays, cast(montant as double) as m from silver.ventes" }
  nulle_part: { sql: "select nom from silver.pays where code = 'fr' order by nom nulls first limit 1" }
`;
const VENTES = `id,pays,montant
1,fr,10.50
2,fr,20.25
3,de,5.00
4,de,5.00
5,xx,7.00
6,fr,
2,fr,21.25
`;

let place: Place;
beforeAll(() => {
  place = newPlace(CONFIG);
  place.put({ 'in/ventes1.csv': VENTES, 'in/pays.csv': 'code,nom\nfr,France\nde,Allemagne\n' });
  expectDone(place.dataflow(['run']));
});
afterAll(() => place?.remove());

/** DuckDB as if it were another engine: `twist` puts something else in the place of a query whose rows it writes. */
function roomsWith(twist: (sql: string, columns: readonly string[]) => string): Rooms {
  const twisted = (session: EngineSession): EngineSession =>
    new Proxy(session, {
      get: (of, name) => {
        if (name !== 'write') {
          const value: unknown = Reflect.get(of, name, of);
          return typeof value === 'function' ? value.bind(of) : value;
        }
        return (sql: string, target: Parameters<EngineSession['write']>[1]) =>
          of.write(
            twist(
              sql,
              target.columns.map((column) => column.name),
            ),
            target,
          );
      },
    });
  const other = (here: Engine): Engine => ({
    type: 'spark',
    version: '0',
    openSession: async (options) => twisted(await here.openSession(options)),
    close: async () => undefined,
  });
  return { ...rooms, openTableEngine: async (_project, here) => other(here) };
}

async function compared(
  twist: Parameters<typeof roomsWith>[0],
  more: Partial<ParityOptions> = {},
): Promise<ParityReport> {
  const some = roomsWith(twist);
  const { project } = await some.loadProject({ cwd: place.folder, env: process.env });
  return checkParity(some, project, {
    selection: { select: [], exclude: [] },
    engine: 'spark',
    limit: 2,
    signal: new AbortController().signal,
    tell: () => undefined,
    ...more,
  });
}

const results = ({ tables }: ParityReport): Readonly<Record<string, string>> =>
  Object.fromEntries(tables.map(({ table, result }) => [table, result]));
const one = (report: ParityReport, table: string): TableParity | undefined =>
  report.tables.find((each) => each.table === table);
const same = (sql: string): string => sql;

describe('parity', () => {
  it('finds nothing where both engines do the same, and leaves nothing behind', async () => {
    const before = place.query('select count(*) as n from silver.ventes');
    const report = await compared(same);
    expect(report.totals).toEqual({ equal: 5, different: 0, refused: 0, not_comparable: 0 });
    expect(one(report, 'silver.ventes')).toMatchObject({
      inputs: { 'bronze.ventes': 0, 'silver.pays': 0 },
      accepted: { rows: { here: 4, there: 4 } },
      rejected: { rows: { here: 2, there: 2, only_here: 0 } },
    });
    expect(readdirSync(join(place.folder, 'lake/_dataflow/staging'))).toEqual([]);
    expect(place.query('select count(*) as n from silver.ventes')).toEqual(before);
  });

  it('tells a value that is rounded otherwise, by key, and which rows and lines it was made of', async () => {
    const report = await compared((sql, columns) =>
      columns.includes('moyenne') ? `select * replace (round(total * 1.1, 2) as total) from (${sql})` : sql,
    );
    expect(results(report)).toMatchObject({ 'gold.par_pays': 'different', 'gold.lignes': 'equal' });
    const { accepted } = one(report, 'gold.par_pays') ?? {};
    expect(accepted?.rows).toEqual({ here: 2, there: 2, only_here: 0, only_there: 0, changed: 2, nearly: 0 });
    expect(accepted?.examples[0]).toMatchObject({
      kind: 'changed',
      row: { pays: 'de' },
      differs: [{ column: 'total', here: '10.00', there: '11.00' }],
      origins: [
        { name: 'silver.ventes', kind: 'table', rows: 2 },
        { name: 'in/ventes1.csv', kind: 'file', rows: 2, lines: [4, 5] },
      ],
    });
  });

  it('tells rows that one side lacks or has twice, in tables without key, too', async () => {
    const report = await compared((sql, columns) =>
      columns.join() === 'pays,m' ? `select * from (${sql}) where pays <> 'de' union all select 'de', 5` : sql,
    );
    const lignes = one(report, 'gold.lignes');
    expect(lignes?.accepted?.rows).toEqual({ here: 4, there: 3, only_here: 1, only_there: 0, changed: 0, nearly: 0 });
    expect(lignes?.accepted?.examples).toMatchObject([{ kind: 'only_here', row: { pays: 'de', m: '5.0' } }]);
  });

  it('tells a silver row that is there otherwise, its line, and rows rejected for another reason', async () => {
    const report = await compared((sql, columns) => {
      if (columns.includes('quarantine_id'))
        return `select * replace (case when rule like 'references%' then 'other' else rule end as rule) from (${sql})`;
      return columns.join() === 'id,pays,montant'
        ? `select * replace (id + 100 as id) from (${sql}) where id <> 3`
        : sql;
    });
    const ventes = one(report, 'silver.ventes');
    expect(ventes?.accepted?.rows).toMatchObject({ here: 4, there: 3, only_here: 4, only_there: 3 });
    expect(ventes?.accepted?.examples[0]).toMatchObject({
      kind: 'only_here',
      row: { id: '1' },
      origins: [
        { name: 'bronze.ventes', kind: 'table', rows: 1 },
        { name: 'in/ventes1.csv', kind: 'file', rows: 1, lines: [2] },
      ],
    });
    expect(ventes?.rejected).toMatchObject({
      rows: { here: 2, there: 2, changed: 1 },
      examples: [
        {
          row: { file: 'in/ventes1.csv', line: '6' },
          differs: [{ column: 'rule', there: 'other' }],
          origins: [{ name: 'in/ventes1.csv', lines: [6] }],
        },
      ],
    });
  });

  it('a query that the other engine has no equal for is refused; one that fails there differs; what is wrong with the engine is an error', async () => {
    const failing = (code: 'E_ENGINE_DIALECT' | 'E_SQL' | 'E_ENGINE_UNREACHABLE') =>
      compared(
        (sql, columns) => {
          if (!columns.includes('moyenne')) return sql;
          throw new DataflowError(code, 'Spark has no equal for hash()', {
            hint: 'Write it.',
            place: { file: '', line: 2 },
          });
        },
        { selection: { select: ['gold.*'], exclude: [] } },
      );
    expect(one(await failing('E_ENGINE_DIALECT'), 'gold.par_pays')).toMatchObject({
      result: 'refused',
      refusals: [{ line: 2, construct: 'Spark has no equal for hash()', remedy: 'Write it.' }],
    });
    expect(one(await failing('E_SQL'), 'gold.par_pays')).toMatchObject({ result: 'different', accepted: null });
    await expect(failing('E_ENGINE_UNREACHABLE')).rejects.toMatchObject({ code: 'E_ENGINE_UNREACHABLE' });
    expect(readdirSync(join(place.folder, 'lake/_dataflow/staging'))).toEqual([]);
  });

  it('is printed, ends with 1 on a difference, and plan, status and why tell of it', async () => {
    await compared((sql, columns) => (columns.includes('moyenne') ? `${sql} limit 1` : sql));
    expect(place.dataflow(['plan']).stderr).toContain('gold.par_pays: gave other rows on spark');
    expect(place.dataflow(['status']).stdout).toContain('spark: 4 tables the same, 1 different');
    expect(place.dataflow(['why', 'gold.par_pays']).stdout).toMatch(/other rows on spark \(20\d\d-/);
  });
});

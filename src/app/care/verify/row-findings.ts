import { rowKeyOf } from '../../../core/model/history.ts';
import { quarantineOf, SOURCE_FILE_COLUMN, tableKey } from '../../../core/model/table.ts';
import type { Node } from '../../../core/planning/graph.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { Snapshot } from '../../../core/ports/lake.ts';
import type { LogReport } from '../../../core/ports/lake-care.ts';
import type { InputRecord, Ledger } from '../../../core/ports/ledger.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { relationOf } from '../../../medallion/context.ts';
import { damage, type Finding, refreshCommand } from './finding.ts';

/** By file: rejected records that decisions brought home since the file was loaded, at most. */
function broughtHome(ledger: Ledger, table: string): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const { action, groups, undone_by } of ledger.decisions(table))
    if (action !== 'discard' && undone_by === undefined)
      for (const group of groups)
        rows.set(group.file, (rows.get(group.file) ?? 0) + group.rows - (group.returned ?? 0));
  return rows;
}

/** Units of input as the ledger and the log have them: each content loaded once, each with its idempotency key in the table. */
export function inputFindings(
  report: LogReport,
  ledger: Ledger,
  { appends, pulled }: { readonly appends: boolean; readonly pulled: boolean },
): readonly Finding[] {
  const source = report.table.name;
  const table = tableKey(report.table);
  const by_hash = new Map<string, InputRecord>();
  const findings: Finding[] = [];
  const home = broughtHome(ledger, table);
  let expected = 0;
  let more = 0;
  for (const input of ledger.inputs(source)) {
    if (input.status !== 'loaded') continue;
    more += Math.min(input.rejected, home.get(input.path) ?? 0);
    expected += input.records - input.rejected;
    // A unit of a source that is asked is known by its position, not by its bytes.
    if (pulled) continue;
    const twin = by_hash.get(input.sha256);
    by_hash.set(input.sha256, input);
    if (twin !== undefined)
      findings.push(
        damage('input', `${input.path} and ${twin.path} have the same bytes, and both are loaded into ${table}`, {
          table,
          path: input.path,
        }),
      );
    if (!report.txns.has(`source:${source}:sha256:${input.sha256}`))
      findings.push(
        damage('input', `${table} does not say that it holds ${input.path}, which the ledger counts as loaded`, {
          table,
          path: input.path,
          expected: input.sha256,
          remedy: 'dataflow ledger rebuild, then dataflow run, which loads what is missing.',
        }),
      );
  }
  const actual = report.versions.at(-1)?.rows ?? 0;
  if (actual < expected || (!appends && actual > expected + more))
    findings.push(
      damage('input', `${table} holds ${actual < expected ? 'fewer' : 'more'} rows than were loaded from its inputs`, {
        table,
        expected: `${expected} rows`,
        actual: `${actual} rows`,
        remedy: `dataflow verify --rows ${table} names the inputs.`,
      }),
    );
  return findings;
}

/** Rows of each input file in the data, against what was recorded when it was loaded: a gap or an overlap shows here. */
export async function loadedRowsFindings(
  session: EngineSession,
  snapshot: Snapshot,
  ledger: Ledger,
  appends: boolean,
): Promise<readonly Finding[]> {
  const table = tableKey(snapshot.table);
  if (!snapshot.columns.some((column) => column.name === SOURCE_FILE_COLUMN)) return [];
  await session.bind(relationOf(snapshot, table));
  const rows = await session.rows(
    `select ${quoteIdent(SOURCE_FILE_COLUMN)} as f, count(*) as n from ${table.split('.').map(quoteIdent).join('.')} group by all`,
    { rows_max: 10_000_000 },
  );
  const found = new Map(rows.map((row) => [String(row['f'] ?? ''), Number(row['n'])]));
  const home = broughtHome(ledger, table);
  const findings: Finding[] = [];
  for (const input of ledger.inputs(snapshot.table.name)) {
    if (input.status !== 'loaded') continue;
    const expected = input.records - input.rejected;
    const actual = found.get(input.path) ?? 0;
    found.delete(input.path);
    const most = expected + Math.min(input.rejected, home.get(input.path) ?? 0);
    if (actual >= expected && (appends || actual <= most)) continue;
    findings.push(
      damage('input', `${table} holds ${actual < expected ? 'too few' : 'too many'} rows of ${input.path}`, {
        table,
        path: input.path,
        expected: `${expected} rows`,
        actual: `${actual} rows`,
        remedy:
          'Remove the table’s folder, then dataflow ledger rebuild, then dataflow run: its files are loaded again.',
      }),
    );
  }
  for (const [path, n] of found)
    findings.push(
      damage('input', `${table} holds ${n} rows of ${path || 'no file'}, which the ledger does not count as loaded`, {
        table,
        path: path || null,
        expected: '0 rows',
        actual: `${n} rows`,
        remedy: 'dataflow ledger rebuild makes the ledger anew from the lake.',
      }),
    );
  return findings;
}

/** What identifies a row of the table; nothing for tables without a key. */
export function uniqueColumns(node: Node | undefined): readonly string[] {
  if (node === undefined || node.layer === 'bronze') return [];
  return node.layer === 'silver' ? rowKeyOf(node.spec) : node.spec.key;
}

/** A key identifies one row. Rows with a NULL in the key are not held against each other. */
export async function keyFindings(
  session: EngineSession,
  snapshot: Snapshot,
  node: Node | undefined,
): Promise<readonly Finding[]> {
  const key = uniqueColumns(node);
  const there = key.every((name) =>
    snapshot.columns.some((column) => column.name.toLowerCase() === name.toLowerCase()),
  );
  if (key.length === 0 || !there) return [];
  const table = tableKey(snapshot.table);
  const list = key.map(quoteIdent).join(', ');
  const present = key.map((name) => `${quoteIdent(name)} is not null`).join(' and ');
  await session.bind(relationOf(snapshot, table));
  const [row] = await session.rows(
    `select count(*) as n from (select ${list} from ${table.split('.').map(quoteIdent).join('.')} where ${present} group by all having count(*) > 1)`,
  );
  const twice = Number(row?.['n'] ?? 0);
  if (twice === 0) return [];
  return [
    damage('key', `${twice} values of the key (${key.join(', ')}) occur more than once in ${table}`, {
      table,
      expected: '0',
      actual: String(twice),
      remedy: refreshCommand(table),
    }),
  ];
}

/** The quarantine's rows by rule and file, in the ledger and in the table. */
export async function quarantineRowsFindings(
  session: EngineSession,
  owner: Snapshot['table'],
  quarantine: Snapshot,
  ledger: Ledger,
): Promise<readonly Finding[]> {
  const table = tableKey(owner);
  const counted = new Map<string, number>();
  for (const { rule, file, rows } of ledger.quarantine(table))
    counted.set(`${rule} of ${file}`, (counted.get(`${rule} of ${file}`) ?? 0) + rows);
  const name = tableKey(quarantineOf(owner));
  await session.bind(relationOf(quarantine, name));
  const rows = await session.rows(
    `select rule || ' of ' || coalesce(file, '') as what, count(*) as n from ${name.split('.').map(quoteIdent).join('.')} group by all`,
    { rows_max: 10_000_000 },
  );
  const held = new Map(rows.map((row) => [String(row['what']), Number(row['n'])]));
  return [...new Set([...counted.keys(), ...held.keys()])]
    .filter((what) => (counted.get(what) ?? 0) !== (held.get(what) ?? 0))
    .map((what) =>
      damage('quarantine', `the ledger and the quarantine of ${table} differ on the rows of rule ${what}`, {
        table,
        expected: `${held.get(what) ?? 0} rows in the table`,
        actual: `${counted.get(what) ?? 0} rows in the ledger`,
        remedy: 'dataflow ledger rebuild counts them again from the lake.',
      }),
    );
}

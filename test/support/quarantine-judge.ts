import type { Batch, Cells, Kind, Table } from './quarantine-acts.ts';

/** Where records are under files, rules and decisions: a function of these alone. */
export interface Arrived extends Batch {
  readonly index: number;
}

/** The newest decision about a rejected row; it holds for this content alone. */
export interface Choice {
  readonly decision: number;
  readonly action: 'fix' | 'replay' | 'discard';
  readonly row: OpenRow;
  /** All corrections so far. */
  readonly now: Cells;
}

/** A rejected row as it lies in the quarantine. */
export interface OpenRow {
  readonly id: string;
  readonly table: Table;
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly raw: string;
  readonly now: Cells;
}

/** The line of a file that a record stands on. */
export function text({ id, parent, t, v }: Cells): string {
  return `${id},${parent},${t},${v}`;
}

export const HEADER = 'id,parent,t,v\n';

const isNumber = (one: string): boolean => /^-?\d+$/.test(one);

export interface Given {
  /** In the order of their arrival. */
  readonly files: readonly Arrived[];
  readonly in_force: ReadonlyMap<string, Choice>;
  readonly min: number;
}

interface Judged {
  readonly bronze: readonly Cells[];
  readonly silver: readonly Cells[];
  readonly open: readonly OpenRow[];
}

interface InSilver extends Omit<OpenRow, 'rule'> {
  readonly discarded: boolean;
}

interface InFile {
  readonly id: string;
  readonly raw: string;
  readonly line: number;
  readonly cells: Cells;
}

/** The records of a file, each told from others by its place. */
export function recordsOf({ index, rows }: Pick<Arrived, 'index' | 'rows'>): readonly InFile[] {
  return rows.map((cells, at) => ({
    id: `bronze in/rows${index}.csv ${at + 2}`,
    raw: text(cells),
    line: at + 2,
    cells,
  }));
}

/** Where every record is under the state's files and decisions. */
export function judge(kind: Kind, { files, in_force, min }: Given): Judged {
  const parents = new Set(files.flatMap((file) => file.parents));
  const bronze: Cells[] = [];
  const open: OpenRow[] = [];
  const arrived: InSilver[] = [];
  for (const { index, rows } of files) {
    const file = `in/rows${index}.csv`;
    const home: { readonly cells: Cells; readonly line: number }[] = [];
    for (const { id, raw, line, cells } of recordsOf({ index, rows })) {
      const found = in_force.get(id);
      const choice = found?.row.raw === raw ? found : undefined;
      const now = choice?.now ?? cells;
      const row: OpenRow = { id, table: 'bronze.rows', rule: 'unreadable_record', file, line, raw, now };
      if (choice?.action === 'discard') continue;
      if (isNumber(now.t)) home.push({ cells: now, line });
      else open.push(row);
    }
    bronze.push(...home.map(({ cells }) => cells));
    const twins = new Map<string, number>();
    const numbered = home.map(({ cells, line }): InSilver => ({ ...inSilver(file, cells, line), discarded: false }));
    for (const one of kind === 'last_before' ? [...numbered].reverse() : numbered) {
      const twin = (twins.get(one.raw) ?? 0) + 1;
      twins.set(one.raw, twin);
      const id = `silver ${file} ${one.raw} ${twin}`;
      const choice = in_force.get(id);
      const at = numbered.indexOf(one);
      numbered[at] = { ...one, id, now: choice?.now ?? one.now, discarded: choice?.action === 'discard' };
    }
    arrived.push(...numbered);
  }
  const picked = arrived.filter(({ now }) => now.v !== '13');
  const before = kind.endsWith('_before');
  const ruleOf = ({ now }: InSilver): string | undefined => {
    if (!isNumber(now.v)) return 'number';
    if (Number(now.v) < min) return 'range';
    return parents.has(now.parent) ? undefined : 'parent';
  };
  const good: InSilver[] = [];
  for (const one of before ? best(kind, picked) : picked) {
    const { discarded, ...row } = one;
    const rule = ruleOf(one);
    if (discarded) continue;
    if (rule === undefined) good.push(one);
    else open.push({ ...row, rule });
  }
  return { bronze, silver: (before ? good : best(kind, good)).map(({ now }) => now), open };
}

function inSilver(file: string, cells: Cells, line: number): Omit<OpenRow, 'rule'> {
  return { id: '', table: 'silver.rows', file, line, raw: text(cells), now: cells };
}

/** One row of each key. */
function best(kind: Kind, rows: readonly InSilver[]): readonly InSilver[] {
  const kept = new Map<number, InSilver>();
  for (const row of rows) if (kind.startsWith('last') || !kept.has(row.now.id)) kept.set(row.now.id, row);
  return [...kept.values()];
}

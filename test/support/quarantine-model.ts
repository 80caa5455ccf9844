import type { Act, Cells, Decided, Kind, Table } from './quarantine-acts.ts';
import { type Arrived, type Choice, type Given, judge, type OpenRow, recordsOf, text } from './quarantine-judge.ts';

/** What becomes of records under files, rules and decisions, thought out without tables: the oracle of the quarantine's property test. */
interface Decision {
  readonly number: number;
  readonly table: Table;
  readonly action: 'fix' | 'replay' | 'discard';
  readonly chosen: ReadonlyMap<string, Choice>;
}

/** What a run leaves: an undo goes back to such a state. */
interface State extends Given {
  /** Decisions that were not undone, and how many rows of each came back. */
  readonly returned: ReadonlyMap<number, number>;
  /** Numbers of those that no run carried out yet. */
  readonly pending: readonly number[];
  readonly open: readonly OpenRow[];
}

export interface Model {
  readonly kind: Kind;
  readonly states: State[];
  readonly decisions: Decision[];
  /** What lies in the folder, which after an undo is not what is loaded. */
  readonly disk: Map<number, Arrived>;
  /** Tables whose decisions an undo changed last. */
  readonly redoable: Set<Table>;
  min: number;
}

export function newModel(kind: Kind): Model {
  const empty = { files: [], in_force: new Map(), returned: new Map(), pending: [], min: 0, open: [] };
  return { kind, states: [empty], decisions: [], disk: new Map(), redoable: new Set(), min: 0 };
}

export function nowOf(model: Model): State {
  const state = model.states.at(-1);
  if (state === undefined) throw new Error('a model has a state');
  return state;
}

/** The lines of a file; one of its own makes it unlike every other file. */
export function linesOf({ index, rows }: Arrived, act: number): readonly Cells[] {
  return [...rows, { id: 100 + act, parent: 1, t: `${index}`, v: '1' }];
}

/** A run carries out what is pending: the state after it. */
function computed(model: Model, from: State): State {
  const state = { ...from, min: model.min };
  const { open } = judge(model.kind, state);
  // Decisions about records are carried out before files come and go, as they would have been had no run died; those about rows of silver after that.
  const first = judge(model.kind, { ...state, files: nowOf(model).files });
  const idsOf = (rows: readonly OpenRow[]): ReadonlySet<string> => new Set(rows.map((row) => row.id));
  const still = { 'bronze.rows': idsOf(first.open), 'silver.rows': idsOf(open) };
  const returned = new Map(state.returned);
  for (const number of returned.keys()) {
    const decision = model.decisions[number];
    if (decision === undefined) continue;
    const waits = state.pending.includes(number);
    const back = [...decision.chosen.keys()].filter((id) => {
      const newer = (state.in_force.get(id)?.decision ?? -1) > number;
      return waits
        ? newer || (decision.action !== 'discard' && still[decision.table].has(id))
        : decision.action === 'discard' && newer;
    });
    if (waits || decision.action === 'discard') returned.set(number, back.length);
  }
  return { ...state, returned, pending: [], open };
}

const isMeant = (row: OpenRow, { table, rule, file }: Decided): boolean =>
  row.table === table &&
  (rule === undefined || row.rule === rule) &&
  (file === undefined || row.file === `in/rows${file}.csv`);

/** The rows that a decision is about: open ones, or discarded ones that are still in the input. */
function matched(model: Model, one: Decided): readonly OpenRow[] {
  const { open, in_force } = nowOf(model);
  const choice = (id: string): Choice | undefined => in_force.get(id);
  if (one.discarded !== true)
    return open
      .filter((row) => isMeant(row, one) && !isDiscarded(choice(row.id), row))
      .map((row) => ({ ...row, now: ownChoice(choice(row.id), row)?.now ?? row.now }));
  const there = present(model);
  return [...in_force.values()]
    .filter(({ row }) => row.table !== 'bronze.rows' || fileHasDiscards(in_force, there, row.file))
    .filter(({ action, row }) => action === 'discard' && isMeant(row, one))
    .map(({ row, now }) => ({ ...row, now }));
}

/** One of them at least is still in the file. */
const fileHasDiscards = (in_force: State['in_force'], there: ReadonlyMap<string, string>, file: string): boolean =>
  [...in_force.values()].some(
    ({ action, row }) => action === 'discard' && row.file === file && there.get(row.id) === row.raw,
  );
const ownChoice = (choice: Choice | undefined, row: OpenRow): Choice | undefined =>
  choice?.row.raw === row.raw ? choice : undefined;
const isDiscarded = (choice: Choice | undefined, row: OpenRow): boolean => ownChoice(choice, row)?.action === 'discard';

/** Decides; undefined when there is nothing to decide. */
function decided(model: Model, one: Extract<Act, { do: 'fix' | 'replay' | 'discard' }>): State | undefined {
  const rows = matched(model, one).flatMap((row): readonly OpenRow[] => {
    if (one.do !== 'fix') return [row];
    const now = one.mend(row.now);
    return text(now) === text(row.now) ? [] : [{ ...row, now }];
  });
  return rows.length === 0 ? undefined : chosen(model, nowOf(model), one.table, one.do, rows);
}

function chosen(model: Model, state: State, table: Table, action: Decision['action'], rows: readonly OpenRow[]): State {
  const number = model.decisions.length;
  const choices = new Map(rows.map((row) => [row.id, { decision: number, action, row, now: row.now }] as const));
  model.decisions.push({ number, table, action, chosen: choices });
  return {
    ...state,
    in_force: new Map([...state.in_force, ...choices]),
    returned: new Map([...state.returned, [number, 0]]),
    pending: [...state.pending, number],
  };
}

/** Files come in the order of their names; what has new content counts as new. */
function loaded(model: Model, { files }: State): readonly Arrived[] {
  const same = files.filter((file) => model.disk.get(file.index) === file);
  const fresh = [...model.disk.values()].filter((file) => !same.includes(file));
  return [...same, ...fresh.sort((a, b) => a.index - b.index)];
}

/** Plays one act; `number` tells acts apart. Returns false where the program has to find nothing to do. */
export function play(model: Model, one: Act | { readonly do: 'run' }, number: number): boolean {
  const { states, disk } = model;
  const state = nowOf(model);
  const push = (next: State): boolean => states.push(next) > 0;
  switch (one.do) {
    case 'load':
    case 'rewrite': {
      const index = one.do === 'load' ? number : one.index(disk);
      const file: Arrived = { index, rows: [], parents: [...one.batch.parents, 100 + number] };
      const whole = { ...file, rows: linesOf({ ...file, rows: one.batch.rows }, number) };
      disk.set(index, whole);
      const rest = state.files.filter((other) => other.index !== index);
      return push(computed(model, { ...state, files: [...rest, whole] }));
    }
    case 'remove': {
      const index = one.index(disk);
      disk.delete(index);
      const files = state.files.filter((file) => file.index !== index);
      const idle = files.length === state.files.length && state.pending.length === 0;
      return idle ? false : push(computed(model, { ...state, files }));
    }
    case 'rule': {
      if (model.min === one.min) return state.pending.length > 0 && push(computed(model, state));
      model.min = one.min;
      return (state.min !== one.min || state.pending.length > 0) && push(computed(model, state));
    }
    case 'refresh':
      return push(computed(model, state));
    case 'run':
      return state.pending.length > 0 && push(computed(model, state));
    case 'undo':
      return undone(model);
    case 'redo':
      return redone(model);
    case 'rebuild':
    case 'compact':
      return true;
    default: {
      const next = decided(model, one);
      if (next === undefined) return one.abort !== true && state.pending.length > 0 && push(computed(model, state));
      model.redoable.delete(one.table);
      return push(one.abort === true ? next : computed(model, next));
    }
  }
}

function undone(model: Model): boolean {
  const [before, now] = model.states.slice(-2);
  if (before === undefined || now === undefined) return false;
  const tables = new Set(
    [...now.returned.keys(), ...before.returned.keys()].flatMap((one) =>
      now.returned.has(one) && before.returned.has(one) ? [] : (model.decisions[one]?.table ?? []),
    ),
  );
  for (const table of tables) model.redoable.add(table);
  return model.states.push(before) > 0;
}

/** Loads what was undone and takes undone decisions again about rows that are open. */
function redone(model: Model): boolean {
  const state = nowOf(model);
  let next: State = { ...state, files: loaded(model, state) };
  let some = next.files.some((file, at) => file !== state.files[at]) || next.files.length !== state.files.length;
  for (const table of ['bronze.rows', 'silver.rows'] as const) {
    if (!model.redoable.has(table)) continue;
    const again = model.decisions.filter((one) => one.table === table && !state.returned.has(one.number));
    for (const { number, action, chosen: choices } of again) {
      const rows = [...choices.values()].filter(({ row }) => {
        const newest = again.findLast((one) => one.chosen.has(row.id))?.number === number;
        return newest && state.open.some((open) => open.id === row.id && open.raw === row.raw);
      });
      if (rows.length > 0)
        next = chosen(
          model,
          next,
          table,
          action,
          rows.map(({ row, now }) => ({ ...row, now })),
        );
    }
    if (again.length > 0) some = true;
    model.redoable.delete(table);
  }
  if (!some && state.min === model.min && state.pending.length === 0) return false;
  return model.states.push(computed(model, next)) > 0;
}

/** Acts that the model does not think through: half a run taken back, and rows taken back whose file has other content now. */
export function isBeside(model: Model, one: Act): boolean {
  const [before, now] = model.states.slice(-2);
  if (one.do === 'undo') return (before?.pending.length ?? 0) + (now?.pending.length ?? 0) > 0;
  if (one.do === 'rewrite' || one.do === 'remove') return model.disk.size === 0;
  if (!('table' in one)) return false;
  // A decision about silver leaves alone what waits in bronze.
  if (one.table === 'silver.rows' && nowOf(model).pending.some((at) => model.decisions[at]?.table === 'bronze.rows'))
    return true;
  // Which of several discarded records are still in a file is not known.
  if (one.discarded !== true || one.table !== 'bronze.rows') return false;
  const there = present(model);
  const files = new Set(matched(model, one).map(({ file }) => file));
  const discards = [...nowOf(model).in_force.values()].filter(
    ({ action, row }) => action === 'discard' && files.has(row.file),
  );
  return discards.some(({ row }) => row.table === 'bronze.rows' && there.get(row.id) !== row.raw);
}

/** Ids and texts of the records of all files. */
function present(model: Model): ReadonlyMap<string, string> {
  return new Map(nowOf(model).files.flatMap((file) => recordsOf(file).map(({ id, raw }) => [id, raw] as const)));
}

const WORDS = { fix: 'fixed', replay: 'replayed', discard: 'discarded' } as const;

/** What tables and ledger must show. */
export function expected(model: Model): Readonly<Record<'bronze' | 'silver' | 'open' | 'states', readonly string[]>> {
  const state = nowOf(model);
  const { bronze, silver, open } = judge(model.kind, state);
  const states = new Map<string, number>();
  const count = (key: string, rows: number): void => void states.set(key, (states.get(key) ?? 0) + rows);
  for (const { table } of open) count(`open ${table}`, 1);
  for (const { number, table, action, chosen: rows } of model.decisions) {
    const back = state.returned.get(number);
    count(`${back === undefined ? 'undone' : WORDS[action]} ${table}`, rows.size - (back ?? 0));
  }
  const line = ({ id, parent, t, v }: Cells): string => [id, parent, t, v].join(' ');
  return {
    bronze: bronze.map(line).sort(),
    silver: silver.map(line).sort(),
    open: open.map((row) => `${row.table} ${row.file} ${row.line} ${row.rule}`).sort(),
    states: [...states]
      .filter(([, rows]) => rows > 0)
      .map(([key, rows]) => `${key} ${rows}`)
      .sort(),
  };
}

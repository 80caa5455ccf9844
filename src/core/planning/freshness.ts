import type { StepRecord } from '../ports/ledger.ts';
import type { Hold } from '../ports/undo.ts';
import { type Cause, type DefinitionChange, reasonOf } from './reasons.ts';

/** What freshness compares: never times, only fingerprints and versions (decision 6). */
export interface FreshnessFacts {
  readonly code_fingerprint: string;
  /** Of the tests as they are configured now, and their names; absent where a table has none of its own. */
  readonly tests?: { readonly fingerprint: string; readonly names: readonly string[] };
  /** Input and reference tables → their present version; undefined = no such table yet. */
  readonly inputs: ReadonlyMap<string, number | undefined>;
  /** The step's own present version. */
  readonly output_version: number | undefined;
  readonly last: StepRecord | undefined;
  /** Inputs whose table was made anew since the last success. */
  readonly anew?: readonly string[];
  readonly full_refresh: boolean;
  /** Run even when up to date. */
  readonly force?: boolean;
  /** In which parts the definition differs from that of the last success; asked only when the fingerprints differ. */
  readonly definitionChanges?: () => readonly DefinitionChange[] | undefined;
  /** Set when its SQL reads the time of the run and it was computed on another day. */
  readonly outdated?: { readonly reads: string; readonly day: string };
  /** Set while the newest success of the step is an undo. */
  readonly hold?: Hold;
  /** What was undone is to be done again. */
  readonly redo?: boolean;
}

export interface FreshnessVerdict {
  readonly run: boolean;
  /** What may be computed: `full`, or only what changed. */
  readonly mode: 'full' | 'incremental';
  /** Printed by plan, why and status, word for word. */
  readonly reason: string;
  readonly causes: readonly Cause[];
  /** Inputs whose version moved since the last success. */
  readonly changed: readonly string[];
}

/** Decides in O(inputs) whether a step has to run and says why. What an undo took back is not done again unasked. Pure. */
export function judgeFreshness(facts: FreshnessFacts): FreshnessVerdict {
  const found = compare(facts);
  const { hold } = facts;
  if (hold === undefined || facts.full_refresh || facts.force === true || !found.run) return found;
  if (facts.redo !== true && isHeld(hold, facts))
    return verdict(false, 'incremental', [{ kind: 'undone', run_id: hold.run_id }]);
  return hold.emptied ? verdict(true, 'full', [{ kind: 'never_built' }]) : found;
}

/** Neither the definition nor an input is another one than at the undo. */
function isHeld(hold: Hold, { code_fingerprint, inputs, anew = [] }: FreshnessFacts): boolean {
  if (hold.code_fingerprint !== code_fingerprint || anew.length > 0) return false;
  return [...inputs].every(([table, version]) => hold.inputs[table] === version);
}

function compare(facts: FreshnessFacts): FreshnessVerdict {
  const missing = [...facts.inputs].filter(([, version]) => version === undefined).map(([table]) => table);
  if (missing.length > 0) return verdict(false, 'full', [{ kind: 'no_data', tables: missing }]);
  if (facts.full_refresh) return verdict(true, 'full', [{ kind: 'asked', flag: 'full-refresh' }]);
  const broken = brokenGround(facts);
  if (broken !== undefined) return verdict(true, 'full', [broken]);
  const moves = movesOf(facts);
  const tests = otherTests(facts);
  const changed = moves.map((move) => move.table);
  if (facts.outdated !== undefined)
    return verdict(true, 'full', [{ kind: 'clock', ...facts.outdated }, ...tests, ...moves], changed);
  if (moves.length === 0) {
    if (facts.force === true) return verdict(true, 'full', [{ kind: 'asked', flag: 'force' }]);
    if (tests.length > 0) return verdict(true, 'incremental', tests);
    return verdict(false, 'incremental', [{ kind: 'nothing_moved' }]);
  }
  const backwards = moves.some((move) => move.to < move.from);
  return verdict(true, backwards ? 'full' : 'incremental', [...tests, ...moves], changed);
}

/** A version whose tests nobody noted is not held against others: an older ledger does not know them. */
function otherTests({ tests, last }: FreshnessFacts): readonly Cause[] {
  if (tests === undefined || last?.tests_fingerprint === undefined) return [];
  if (last.tests_fingerprint === tests.fingerprint) return [];
  const held = new Set(last.tests.map(({ test }) => test));
  return [{ kind: 'tests_changed', added: tests.names.filter((name) => !held.has(name)) }];
}

/** What leaves nothing valid to build on. */
function brokenGround(facts: FreshnessFacts): Cause | undefined {
  const { last, output_version } = facts;
  if (last === undefined) return { kind: 'never_built' };
  if (output_version === undefined) return { kind: 'table_gone' };
  if (last.code_fingerprint === undefined) return { kind: 'partly_built' };
  if (last.code_fingerprint !== facts.code_fingerprint)
    return { kind: 'definition', changes: facts.definitionChanges?.() };
  if (last.output_version !== undefined && output_version < last.output_version)
    return { kind: 'table_went_back', from: last.output_version, to: output_version };
  if ((facts.anew ?? []).length > 0) return { kind: 'input_anew', tables: facts.anew ?? [] };
  const added = [...facts.inputs.keys()].filter((table) => last.inputs[table] === undefined);
  return added.length > 0 ? { kind: 'new_table', tables: added } : undefined;
}

function movesOf({ inputs, last }: FreshnessFacts): readonly Extract<Cause, { kind: 'input' }>[] {
  return [...inputs].flatMap(([table, to]) => {
    const from = last?.inputs[table];
    return from === undefined || to === undefined || from === to ? [] : [{ kind: 'input' as const, table, from, to }];
  });
}

function verdict(
  run: boolean,
  mode: FreshnessVerdict['mode'],
  causes: readonly Cause[],
  changed: readonly string[] = [],
): FreshnessVerdict {
  return { run, mode, reason: reasonOf(causes), causes, changed };
}

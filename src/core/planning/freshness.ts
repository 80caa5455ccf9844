import type { StepRecord } from '../ports/ledger.ts';

/** What freshness compares: never times, only fingerprints and versions (decision 6). */
export interface FreshnessFacts {
  readonly code_fingerprint: string;
  /** Input and reference tables → their present version; undefined = no such table yet. */
  readonly inputs: ReadonlyMap<string, number | undefined>;
  /** The step's own present version. */
  readonly output_version: number | undefined;
  readonly last: StepRecord | undefined;
  readonly full_refresh: boolean;
}

export interface FreshnessVerdict {
  readonly run: boolean;
  /** What may be computed: `full`, or only what changed. */
  readonly mode: 'full' | 'incremental';
  /** Printed by plan, why and status, word for word. */
  readonly reason: string;
  /** Inputs whose version moved since the last success. */
  readonly changed: readonly string[];
}

/** Decides in O(inputs) whether a step has to run and says why. Pure. */
export function judgeFreshness(facts: FreshnessFacts): FreshnessVerdict {
  const { last } = facts;
  const full = (reason: string, changed: readonly string[] = []): FreshnessVerdict => ({
    run: true,
    mode: 'full',
    reason,
    changed,
  });
  const missing = [...facts.inputs].filter(([, version]) => version === undefined).map(([table]) => table);
  if (missing.length > 0)
    return { run: false, mode: 'full', reason: `waits for ${missing.join(', ')}: no data yet`, changed: [] };
  if (facts.full_refresh) return full('full refresh was asked for');
  if (last === undefined) return full('never built');
  if (facts.output_version === undefined) return full('its table is gone');
  if (last.code_fingerprint !== facts.code_fingerprint) return full('its definition changed');
  if (last.output_version !== undefined && facts.output_version < last.output_version)
    return full('its table went back to an older version');
  const known = Object.keys(last.inputs);
  const added = [...facts.inputs.keys()].filter((table) => !known.includes(table));
  if (added.length > 0) return full(`reads ${added.join(', ')} for the first time`);
  const changed = [...facts.inputs]
    .filter(([table, version]) => last.inputs[table] !== version)
    .map(([table]) => table);
  if (changed.length === 0)
    return { run: false, mode: 'incremental', reason: 'up to date: same definition, same input versions', changed };
  const moves = changed.map((table) => `${table} ${last.inputs[table]} → ${facts.inputs.get(table)}`);
  const backwards = changed.some((table) => (facts.inputs.get(table) ?? 0) < (last.inputs[table] ?? 0));
  const reason = `input changed: ${moves.join(', ')}`;
  return backwards ? full(reason, changed) : { run: true, mode: 'incremental', reason, changed };
}

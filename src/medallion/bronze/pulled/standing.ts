import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { batchTxn, expectedOf, type PulledOutcome } from '../../../core/model/pulled.ts';
import { outcomeFrom } from '../../../core/model/step-note.ts';
import type { HistoryEntry, Snapshot } from '../../../core/ports/lake.ts';
import type { Position } from '../../../core/ports/pulled-source.ts';
import type { RunContext } from '../../context.ts';
import type { BronzeNode } from '../step.ts';

/** Where a pulled source stands: what its table was committed with. */
export interface Standing {
  /** Number of the newest batch; 0: none. */
  readonly sequence: number;
  /** Null: nothing was pulled yet. */
  readonly position: Position | null;
  /** The position that the table itself was committed with; `position` may be further on. */
  readonly committed: Position | null;
  /** Hash of the content, for `snapshot` sources. */
  readonly content: string | undefined;
  /** Next number expected by stream. */
  readonly expected: ReadonlyMap<string, number>;
}

type Places = Pick<RunContext, 'lake' | 'ledger' | 'redo'>;

/**
 * Where the source stands. The ledger tells it at once; where it does not fit the table (another machine committed, the ledger is new), the notes
 * of the table's commits do. After an undo the position stays, so that nothing is taken again unless a redo asks for it.
 * @param anew everything is taken again and replaces what is there, so the position may be unknown.
 * @throws DataflowError E_LAKE_CORRUPT: batches are in the table, and nothing tells where the last one ended.
 */
export async function standingOf(
  run: Places,
  node: BronzeNode,
  snapshot: Snapshot | undefined,
  anew = false,
): Promise<Standing> {
  const sequence = snapshot?.txns.get(batchTxn(node.name)) ?? 0;
  if (snapshot === undefined || sequence === 0) {
    const known = run.ledger.sources.position(node.name);
    // Nothing came yet, but from where on it counts is fixed.
    return known?.sequence === 0 && known.ahead !== undefined ? { ...BEGINNING, position: known.ahead } : BEGINNING;
  }
  const expected = expectedOf(node.name, snapshot.txns);
  if (!anew && run.redo && run.ledger.hold(node.key) !== undefined)
    return await restored(run, node, snapshot, sequence);
  const known = run.ledger.sources.position(node.name);
  const committed = known?.sequence === sequence ? known : await fromHistory(run, node, sequence);
  // Without a position everything would be taken once more, beside the rows that are there.
  if (committed === undefined && !anew) throw positionLost(node, sequence);
  const ahead = known?.sequence === sequence ? known.ahead : undefined;
  return {
    sequence,
    position: ahead ?? committed?.position ?? null,
    committed: committed?.position ?? null,
    content: committed?.content,
    expected,
  };
}

const BEGINNING: Standing = {
  sequence: 0,
  position: null,
  committed: null,
  content: undefined,
  expected: new Map(),
};

function positionLost({ key }: BronzeNode, sequence: number): DataflowError {
  return new DataflowError(
    'E_LAKE_CORRUPT',
    `${key} holds ${sequence} ${sequence === 1 ? 'batch' : 'batches'}, but no commit tells any more where its source was left`,
    {
      kept: `nothing was taken, ${key} stays as it is`,
      hint: `Restore the log of the table from a backup, or take everything again: dataflow run --full-refresh --force --select ${key}+`,
    },
  );
}

async function fromHistory(run: Places, node: BronzeNode, sequence: number): Promise<PulledOutcome | undefined> {
  const entries = await run.lake.history({ layer: 'bronze', name: node.name });
  for (const entry of [...entries].sort((a, b) => b.version - a.version)) {
    const pulled = pulledIn(entry);
    if (pulled?.sequence === sequence) return pulled;
  }
  return undefined;
}

function pulledIn(entry: HistoryEntry): PulledOutcome | undefined {
  return entry.note?.['pulled'] === undefined
    ? undefined
    : outcomeFrom(entry.note, entry.version, entry.committed_at_ms).pulled;
}

/** Where the source stood when the rows that an undo brought back were committed: from there everything is taken once more. */
async function restored(run: Places, node: BronzeNode, snapshot: Snapshot, sequence: number): Promise<Standing> {
  const table = { layer: 'bronze' as const, name: node.name };
  const entries = new Map((await run.lake.history(table)).map((entry) => [entry.version, entry]));
  let version = snapshot.version;
  let pulled: PulledOutcome | undefined;
  let restored_version = version;
  while (version >= 0 && pulled === undefined) {
    restored_version = version;
    const entry = entries.get(version);
    if (entry === undefined) throw positionLost(node, sequence);
    const back = entry.note?.['undo'] as { readonly restored_version?: number } | undefined;
    pulled = pulledIn(entry);
    version = back?.restored_version ?? version - 1;
  }
  if (pulled === undefined) return { ...BEGINNING, sequence };
  const before = await run.lake.snapshot(table, { version: version + 1 }).catch(() => undefined);
  return {
    sequence,
    position: pulled.position,
    committed: pulled.position,
    content: pulled.content,
    expected: new Map([
      ...firstNumbers([...entries.values()].filter((entry) => entry.version > restored_version)),
      ...expectedOf(node.name, before?.txns ?? new Map()),
    ]),
  };
}

/** Where streams began that are in none but these commits: the same numbers are taken again. */
function firstNumbers(entries: readonly HistoryEntry[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const entry of [...entries].sort((a, b) => a.version - b.version))
    for (const { stream, from } of pulledIn(entry)?.spans ?? []) if (!first.has(stream)) first.set(stream, from);
  return first;
}

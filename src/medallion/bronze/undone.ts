import { withArchive } from '../../core/model/member-path.ts';
import type { InputUnit, Inspection, KnownInput, KnownInputs, StampPage } from '../../core/ports/source.ts';
import type { UndoneInput } from '../../core/ports/undo.ts';
import { LazyMap } from '../../kit/lazy-map.ts';
import type { RunContext } from '../context.ts';
import type { BronzeStep } from './step.ts';

/**
 * What the discovery leaves alone: units that were taken and, unless a redo is asked for, those whose rows left the lake with an undo.
 * Units whose rows were removed because they were gone count as new when they are there again. A name whose earlier content is loaded again looks to the discovery like the undone file that lies there.
 */
export function knownUnits(
  run: Pick<RunContext, 'ledger' | 'redo'>,
  source: string,
  forget: ReadonlySet<string>,
): KnownInputs {
  // Read when the source first asks, which for a large folder is while another thread looks at the files.
  const known = new LazyMap(() => {
    const all = allKnown(run, source);
    const forgotten = new Set([...forget].flatMap(withArchive));
    return forget.size === 0 ? all : new Map([...all].filter(([path]) => !forgotten.has(path)));
  });
  const stamps = (): readonly StampPage[] | undefined =>
    forget.size > 0 || run.ledger.undoneInputs(source).length > 0 ? undefined : run.ledger.inputStamps(source);
  return Object.assign(known, { stamps });
}

function allKnown(run: Pick<RunContext, 'ledger' | 'redo'>, source: string): ReadonlyMap<string, KnownInput> {
  const known = present(run.ledger.knownInputs(source));
  const undone = run.redo ? [] : run.ledger.undoneInputs(source).filter((input) => input.mtime_ns !== '');
  if (undone.length === 0) return known;
  const merged = new Map(known);
  for (const { path, size_bytes, mtime_ns, inode, sha256, status } of undone) {
    const loaded = known.get(path);
    const seen = { path, size_bytes, mtime_ns, inode };
    merged.set(path, loaded === undefined ? { ...seen, sha256, status } : { ...loaded, ...seen });
  }
  return merged;
}

function present(known: ReadonlyMap<string, KnownInput>): ReadonlyMap<string, KnownInput> {
  let left: Map<string, KnownInput> | undefined;
  for (const { path, status } of known.values()) {
    if (status !== 'removed') continue;
    left ??= new Map(known);
    for (const one of withArchive(path)) left.delete(one);
  }
  return left ?? known;
}

/** Drops the inspections of units whose bytes were undone and are not loaded under another name; they are remembered as they look now. */
export function leaveUndone(
  { run, node }: BronzeStep,
  units: readonly InputUnit[],
  inspections: readonly (Inspection | undefined)[],
): readonly (Inspection | undefined)[] {
  const undone = run.redo ? [] : run.ledger.undoneInputs(node.name).filter((input) => input.sha256 !== '');
  if (undone.length === 0) return inspections;
  const by_hash = new Map(undone.map((input) => [input.sha256, input]));
  const seen: UndoneInput[] = [];
  const left = units.map((unit, index) => {
    const inspection = inspections[index];
    const before = by_hash.get(inspection?.sha256 ?? '');
    if (before === undefined || run.ledger.inputByHash(node.name, before.sha256) !== undefined) return inspection;
    const { path, size_bytes, mtime_ns, inode } = unit;
    seen.push({ ...before, path, size_bytes, mtime_ns, inode });
    return undefined;
  });
  if (seen.length > 0) run.ledger.rememberUndone(seen);
  return left;
}

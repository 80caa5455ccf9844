import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesSince } from './changes.ts';
import type { Action } from './delta-actions.ts';
import type { VersionEntry } from './log-reader.ts';
import { EMPTY, replay } from './table-state.ts';

const same = (path: string): string => path;

/** What a writer may do next: append, rewrite some live files with a change of rows, or rearrange some of them. */
type Deed = {
  readonly kind: 'append' | 'rewrite' | 'rearrange';
  readonly pick: readonly number[];
  readonly makes: number;
};

const deed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom('append' as const, 'rewrite' as const, 'rearrange' as const),
  pick: fc.array(fc.nat(20), { maxLength: 4 }),
  makes: fc.integer({ min: 1, max: 3 }),
});

/** A table as sets of row numbers by file: the model to compare with. */
function perform(deeds: readonly Deed[]): {
  readonly entries: readonly VersionEntry[];
  readonly rowsOf: ReadonlyMap<string, readonly number[]>;
  readonly live: readonly (readonly string[])[];
} {
  const rowsOf = new Map<string, readonly number[]>();
  const entries: VersionEntry[] = [];
  const live: (readonly string[])[] = [];
  let now: readonly string[] = [];
  let next_row = 0;
  for (const [version, { kind, pick, makes }] of deeds.entries()) {
    const gone = kind === 'append' ? [] : [...new Set(pick.flatMap((n) => now[n % Math.max(1, now.length)] ?? []))];
    const kept = gone.flatMap((path) => rowsOf.get(path) ?? []);
    const rows = kind === 'rearrange' ? kept : [...kept.slice(1), next_row++, next_row++];
    const made = rows.length === 0 ? [] : Array.from({ length: makes }, (_, n) => `v${version}-${n}`);
    for (const [n, path] of made.entries())
      rowsOf.set(
        path,
        rows.filter((_, at) => at % makes === n),
      );
    const dataChange = kind !== 'rearrange';
    const actions: Action[] = [
      ...gone.map((path) => ({ remove: { path, dataChange } })),
      ...made.map((path) => ({ add: { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange } })),
    ];
    now = [...now.filter((path) => !gone.includes(path)), ...made];
    live.push(now);
    entries.push({ version, committed_at_ms: version, actions });
  }
  return { entries, rowsOf, live };
}

describe('changes between two versions', () => {
  it('lead from the rows of the one to the rows of the other, whatever was rearranged in between', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 2, maxLength: 12 }), fc.nat(11), (deeds, at) => {
        const { entries, rowsOf, live } = perform(deeds);
        const from = at % deeds.length;
        const before = replay(EMPTY, entries.slice(0, from + 1), from, same);
        const changes = changesSince(before, entries.slice(from + 1), same, same);
        const rows = (paths: readonly string[]): number[] => paths.flatMap((path) => rowsOf.get(path) ?? []);
        const removed = new Set(rows(changes.removed.map((file) => file.path)));
        const after = [
          ...rows(live[from] ?? []).filter((row) => !removed.has(row)),
          ...rows(changes.added.map((file) => file.path)),
        ];
        expect(after.sort((a, b) => a - b)).toEqual(rows(live.at(-1) ?? []).sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('only add, in the order of arrival, when rows were appended and files rearranged', () => {
    const growing = deed.map((one): Deed => (one.kind === 'rewrite' ? { ...one, kind: 'append' } : one));
    fc.assert(
      fc.property(fc.array(growing, { minLength: 2, maxLength: 12 }), fc.nat(11), (deeds, at) => {
        const { entries, rowsOf } = perform(deeds);
        const from = at % deeds.length;
        const before = replay(EMPTY, entries.slice(0, from + 1), from, same);
        const changes = changesSince(before, entries.slice(from + 1), same, same);
        expect(changes.removed).toEqual([]);
        const firsts = changes.added.map((file) => Math.min(...(rowsOf.get(file.path) ?? [])));
        // A rearrangement of the model deals rows out to several files; the first of each set keeps its place.
        if (deeds.every((one) => one.makes === 1 && one.pick.length < 2))
          expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('are none when files were only rearranged', () => {
    const { entries } = perform([
      { kind: 'append', pick: [], makes: 2 },
      { kind: 'rearrange', pick: [0, 1], makes: 1 },
      { kind: 'rearrange', pick: [0], makes: 2 },
    ]);
    const before = replay(EMPTY, entries.slice(0, 1), 0, same);
    expect(changesSince(before, entries.slice(1), same, same)).toEqual({
      added: [],
      removed: [],
      schema_changed: false,
    });
  });

  it('are the new files alone when rows were appended', () => {
    const { entries } = perform([
      { kind: 'append', pick: [], makes: 1 },
      { kind: 'append', pick: [], makes: 2 },
    ]);
    const before = replay(EMPTY, entries.slice(0, 1), 0, same);
    const changes = changesSince(before, entries.slice(1), same, same);
    expect(changes.added.map((file) => [file.path, file.added_version])).toEqual([
      ['v1-0', 1],
      ['v1-1', 1],
    ]);
    expect(changes.removed).toEqual([]);
  });
});

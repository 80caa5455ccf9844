import { expect, it } from 'vitest';
import type { MirrorItem, MirrorMark } from '../../core/planning/mirror-plan.ts';
import type { LakeFile, TableFiles } from '../../core/ports/lake-care.ts';
import { planLogs } from './plan-logs.ts';

const LOG = 'gold/t/_delta_log';
const entry = (version: number): string => `${LOG}/${String(version).padStart(20, '0')}.json`;
const checkpoint = (version: number): string => `${LOG}/${String(version).padStart(20, '0')}.checkpoint.parquet`;
const POINTER = `${LOG}/_last_checkpoint`;
const kindOf = (path: string): LakeFile['kind'] =>
  path.endsWith('.json') ? 'entry' : path.endsWith('.parquet') ? 'checkpoint' : 'hint';
const file = (path: string): LakeFile => ({ path, kind: kindOf(path), size_bytes: 1 });

function table(...paths: readonly string[]): TableFiles {
  const of = (kind: LakeFile['kind']): readonly LakeFile[] => paths.filter((path) => kindOf(path) === kind).map(file);
  return {
    ...{ table: { layer: 'gold', name: 't' }, folder: 'gold/t', version: 9, versions: [9], data: [] },
    ...{ entries: of('entry'), checkpoints: of('checkpoint'), hints: of('hint') },
  };
}

/** `+` there is nothing yet; `!near` both have one; `!` and `-` only the far side has it. */
function item(mark: MirrorMark | '!near', path: string): MirrorItem {
  const far = mark === '+' ? undefined : { path, size_bytes: 1, modified_ms: 0, mark: 'm' };
  const near = mark === '+' || mark === '*' || mark === '!near' ? file(path) : undefined;
  return { mark: mark === '!near' ? '!' : mark, path, table: 'gold.t', near, far, why: '', ours: false };
}

function planned(near: TableFiles, items: readonly MirrorItem[], force = false) {
  const puts = items.filter((one) => one.near !== undefined && (force || one.mark !== '!'));
  const { early, logs } = planLogs([near], items, puts, new Set(force ? ['gold.t'] : []));
  const paths = (of: readonly MirrorItem[] = []): readonly string[] => of.map(({ path }) => path);
  return { early: paths(early), cleared: paths(logs[0]?.cleared), puts: paths(logs[0]?.puts), logs };
}

it('what makes a new table readable comes last: its oldest entry, then checkpoints, then the pointer', () => {
  const near = table(entry(0), entry(1), entry(2), checkpoint(2), POINTER);
  const all = [POINTER, checkpoint(2), entry(2), entry(1), entry(0)].map((path) => item('+', path));
  expect(planned(near, all)).toMatchObject({ early: [entry(1), entry(2)], puts: [entry(0), checkpoint(2), POINTER] });
  // Where a sync stopped before the oldest one nobody can read it yet either.
  expect(planned(near, all.slice(0, 3).concat(item('+', entry(0))))).toMatchObject({ early: [entry(2)] });
});

it.each([
  ['its oldest entry', [item('+', entry(1)), item('+', entry(2)), item('+', checkpoint(2))]],
  ['a checkpoint', [item('+', entry(0)), item('+', entry(1)), item('+', entry(2))]],
  ['an older log', [item('-', entry(5)), ...[entry(0), entry(1), checkpoint(2)].map((path) => item('+', path))]],
])('entries go one after the other where %s is there', (_, items) => {
  expect(planned(table(entry(0), entry(1), entry(2), checkpoint(2)), items).early).toEqual([]);
});

it('another table’s log goes as a whole, from the first entry that differs on, before ours comes', () => {
  const near = table(entry(0), entry(1), checkpoint(1), POINTER);
  const others = [
    ...[entry(0), entry(1), checkpoint(1)].map((path) => item('!near', path)),
    ...[item('*', POINTER), item('!', entry(2)), item('-', checkpoint(2))],
  ];
  const { cleared, puts, early, logs } = planned(near, others, true);
  expect(cleared).toEqual([POINTER, checkpoint(2), checkpoint(1), entry(2), entry(1), entry(0)]);
  expect([early, puts]).toEqual([[], [entry(0), entry(1), checkpoint(1), POINTER]]);
  expect(logs[0]?.puts.every(({ far }) => far === undefined)).toBe(true);
  const later = [item('!near', entry(1)), item('!', entry(2)), item('-', checkpoint(0))];
  expect(planned(near, later, true).cleared).toEqual([entry(2), entry(1)]);
  // Only versions of others: nothing of ours is missing.
  expect(planned(near, [item('!', entry(2))], true)).toMatchObject({ cleared: [entry(2)], puts: [] });
});

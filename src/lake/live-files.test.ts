import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCheckpoint } from './checkpoint/codec.ts';
import { decodeCheckpoint } from './checkpoint/reader.ts';
import type { AddAction } from './delta-actions.ts';
import { LiveFiles } from './live-files.ts';
import { encodedPath, resolvePath } from './log-paths.ts';
import { LocalStorage } from './storage-local.ts';

/** The live files of a table against a plain map, over random commits, compactions, restores and checkpoints. */
const storage = new LocalStorage('/lake');
const resolve = (path: string): string => resolvePath(storage, 'gold/t', path);

const NAMES = [
  'a',
  'b/c',
  'é %',
  'jour=2025-01-01/x',
  'jour=%2F/y',
  'z~!',
  "o'k",
  'q:1',
  '..d',
  './e'.slice(2),
  'π/🙂',
];
const name = fc.nat(23).map((n) => `${NAMES[n % NAMES.length]}${n}`);
const stats = fc.option(
  fc.oneof(
    fc.nat(1_000_000).map((rows) => JSON.stringify({ numRecords: rows, minValues: { a: 'é' } })),
    fc.constantFrom('', '{', '{"numRecords":1.5}'),
  ),
  { nil: undefined },
);
const values = fc.constantFrom<Record<string, string | null>>({}, { day: '1' }, { day: null }, { day: '1', to: 'x=y' });
const tags = fc.constantFrom<Record<string, string> | undefined>(
  undefined,
  {},
  { 'dataflow.sha256': 'ab' },
  { k: '', l: 'v' },
);

const file = fc.record({ name, stats, values, tags, size: fc.nat() });
type File = typeof file extends fc.Arbitrary<infer T> ? T : never;
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), files: fc.array(file, { maxLength: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('remove' as const), names: fc.array(name, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reorder' as const), names: fc.array(name, { maxLength: 9 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('place' as const), at: name, files: fc.array(file, { maxLength: 2 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('checkpoint' as const), parts: fc.constantFrom(1, 2) }) },
);

function actionOf(one: File): AddAction {
  const rest = { size: one.size, modificationTime: 5, dataChange: false, tags: one.tags, stats: one.stats };
  return { path: encodedPath(one.name), partitionValues: one.values, ...rest };
}

describe('the live files of a table', () => {
  it('are those of a plain map, whatever is done to them and however often they go through a checkpoint', async () => {
    const commits = fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(commits, async (versions) => {
        let [live, model] = [new LiveFiles(), new Map<string, AddAction>()];
        for (const steps of versions) {
          const [before, expected] = [live, seen(model)];
          live = live.copy();
          for (const one of steps) [live, model] = await after(one, live, model);
          expect(shown(before)).toEqual(expected);
          compare(live, model);
        }
      }),
      { numRuns: 150 },
    );
  });
});

type Model = Map<string, AddAction>;
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function after(one: Step, live: LiveFiles, model: Model): Promise<[LiveFiles, Model]> {
  const put = (files: readonly File[]): void => {
    for (const file of files) {
      live.set(file.name, { action: actionOf(file), version: 1 });
      model.set(file.name, actionOf(file));
    }
  };
  if (one.do === 'add') put(one.files);
  else if (one.do === 'remove') for (const path of one.names) [live.delete(path), model.delete(path)];
  else if (one.do === 'reorder') {
    live.reorder(one.names);
    const named = [...new Set(one.names)].filter((path) => model.has(path));
    const order = [...named, ...[...model.keys()].filter((path) => !named.includes(path))];
    return [live, new Map(order.map((path) => [path, model.get(path) as AddAction]))];
  } else if (one.do === 'place') {
    const fresh = one.files.filter(
      (file, at) => !model.has(file.name) && one.files.findIndex((f) => f.name === file.name) === at,
    );
    if (!model.has(one.at)) return [live, model];
    const files = fresh.map((file) => [file.name, { action: actionOf(file), version: 1 }] as const);
    live.insertAfter(new Map([[one.at, files]]));
    const entries = [...model].flatMap(([path, action]): [string, AddAction][] =>
      path === one.at
        ? [[path, action], ...fresh.map((f): [string, AddAction] => [f.name, actionOf(f)])]
        : [[path, action]],
    );
    return [live, new Map(entries)];
  } else return [await throughCheckpoint(live, one.parts), model];
  return [live, model];
}

async function throughCheckpoint(live: LiveFiles, parts: number): Promise<LiveFiles> {
  const all = [...live.values()].map(({ action }) => action);
  const cut = Math.ceil(all.length / parts);
  const whole = live.silent().next().done === true;
  const ranged = [];
  for (let part = 0; part < parts; part++) {
    const files = all.slice(part * cut, (part + 1) * cut);
    const some = new LiveFiles();
    for (const action of files) some.set(action.path, { action, version: undefined });
    const bytes = await encodeCheckpoint({ actions: [], files, rows: whole ? some.rows : undefined });
    ranged.push({
      name: 'it',
      size_bytes: bytes.length,
      read: async (from: number, to: number) => bytes.slice(from, to),
    });
  }
  return new LiveFiles((await decodeCheckpoint(ranged, resolve)).files);
}

function compare(live: LiveFiles, model: Model): void {
  expect(shown(live)).toEqual(seen(model));
  expect(live.size).toBe(model.size);
  const all = [...model.values()];
  expect(live.size_bytes).toBe(all.reduce((sum, { size }) => sum + size, 0));
  const rows = all.map((action) => /^\{"numRecords":(\d+),/.exec(action.stats ?? '')?.[1]);
  expect(live.rows).toBe(rows.reduce((sum, one) => sum + Number(one ?? 0), 0));
  expect([...live.silent()].map(([path]) => path).sort()).toEqual(
    [...model.keys()].filter((_, at) => rows[at] === undefined).sort(),
  );
  const fits = (one: AddAction['partitionValues']): boolean => one['day'] === '1';
  expect([...live.inPartitions(fits)].map(([path]) => path)).toEqual(
    [...model].filter(([, a]) => fits(a.partitionValues)).map(([path]) => path),
  );
  for (const n of NAMES.keys())
    for (const path of [`${NAMES[n]}${n}`, `${NAMES[n]}${n + 11}`]) expect(live.has(path)).toBe(model.has(path));
}

/** What matters of files, in order. */
function shown(live: LiveFiles): unknown {
  return [...live].map(([path, { action }]) => [path, plain(action)]);
}

function seen(model: Model): unknown {
  return [...model].map(([path, action]) => [path, plain(action)]);
}

function plain({ stats, tags, ...action }: AddAction): unknown {
  return { ...action, stats: stats ?? null, tags: tags ?? null };
}

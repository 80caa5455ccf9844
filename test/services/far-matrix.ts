import { createHash } from 'node:crypto';
import type { FarFaultRow } from '../../scripts/reliability/far-section.ts';
import { DataflowError } from '../../src/core/errors/dataflow-error.ts';
import type { FarStorage } from '../../src/core/ports/far-storage.ts';
import { httpProxy, type Mishap, type ProxiedRequest } from './faults/http-proxy.ts';

const MISHAPS: readonly Mishap[] = ['503', '429', '500', 'error', 'reset', 'timeout', 'truncated'];
const SIZES = ['small', 'large'] as const;
type Size = (typeof SIZES)[number];
/** Of a mishap that never ends. */
const FOR_EVER = 1_000_000;

/** A kind of request that a storage sends. */
export interface RequestKind {
  readonly name: string;
  is(asked: ProxiedRequest): boolean;
  /** Whether it may be answered by 200 and an error: its answer is no file. */
  readonly errs?: true;
  /** It is only sent for such files; absent: for all. */
  readonly only?: Size;
  /** What has to be there for it to be sent at all. */
  prepare?(path: string, bytes: Buffer): Promise<void>;
}

export interface MatrixUnderTest {
  readonly system: string;
  /** host:port of the real server. */
  readonly target: string;
  readonly kinds: readonly RequestKind[];
  /** Bytes of a file that goes up in several parts or can be resumed. */
  readonly large_bytes: number;
  /** Opens a folder by way of a proxy. Its requests time out after a second. */
  open(folder: string, address: string): FarStorage | Promise<FarStorage>;
  /** Leaves something half written in a folder that would have become {@link HALF}. */
  halfWritten(folder: string): Promise<void>;
}

export const HALF = 'half';
const AT_ONCE = 6;
const signal = new AbortController().signal;

/** Each mishap at each kind of request, once, for small and large files, and a reset at every attempt: what came of it, as rows of a table. */
export async function runMatrix(under: MatrixUnderTest): Promise<readonly FarFaultRow[]> {
  const cells = under.kinds.flatMap((kind) => [
    ...MISHAPS.filter((mishap) => mishap !== 'error' || kind.errs === true).flatMap((mishap) =>
      SIZES.filter((size) => (kind.only ?? size) === size).map((size) => ({ kind, mishap, size, times: 1 })),
    ),
    { kind, mishap: 'reset' as const, size: kind.only ?? ('small' as const), times: FOR_EVER },
  ]);
  const outcomes = new Map<string, string>();
  const left = [...cells];
  const work = async (): Promise<void> => {
    for (let cell = left.pop(); cell !== undefined; cell = left.pop()) {
      const { kind, mishap, size, times } = cell;
      outcomes.set(keyOf(cell), await outcomeOf(under, kind, mishap, size, times));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const at = (kind: RequestKind, mishap: Mishap, times: number): string => {
    const all = SIZES.map((size) => outcomes.get(keyOf({ kind, mishap, size, times }))).filter(
      (one) => one !== undefined,
    );
    return all.length === 0 ? '–' : [...new Set(all)].join(' / ');
  };
  return under.kinds.map((kind) => ({
    system: under.system,
    request: kind.name,
    cells: [...MISHAPS.map((mishap) => at(kind, mishap, 1)), at(kind, 'reset', FOR_EVER)],
  }));
}

function keyOf(cell: { kind: RequestKind; mishap: Mishap; size: Size; times: number }): string {
  return `${cell.kind.name} ${cell.mishap} ${cell.size} ${cell.times}`;
}

/** What one mishap leads to: `same sync`, `next sync` after a clean stop, or what went wrong. */
async function outcomeOf(
  under: MatrixUnderTest,
  kind: RequestKind,
  mishap: Mishap,
  size: Size,
  times: number,
): Promise<string> {
  const name = createHash('sha256').update(`${kind.name} ${mishap} ${size} ${times}`).digest('hex').slice(0, 12);
  const proxy = await httpProxy(under.target);
  const far = await under.open(name, proxy.address);
  try {
    const files = filesOf(size === 'small' ? 700 : under.large_bytes, name);
    if (size === 'small') {
      await far.put({ path: 'stale', content: { bytes: Buffer.from('old') }, over: 'nothing', signal });
      await under.halfWritten(name);
    }
    for (const [path, bytes] of files) await kind.prepare?.(`${name}/${path}`, bytes);
    proxy.plan({ when: (asked) => kind.is(asked), mishap, times });
    const first = await sync(far, files).then(
      () => 'same sync',
      (error: unknown) => error,
    );
    if (proxy.met < 1) return `NOT MET: ${String(first)}`;
    if (first === 'same sync') return (await wrongWith(far, files)) ?? first;
    if (!(first instanceof DataflowError)) return `NOT CLEAN: ${String(first)}`;
    if (!first.retryable) return `NOT WORTH RETRYING: ${first.message}`;
    proxy.clear();
    await sync(far, files);
    return (await wrongWith(far, files)) ?? 'next sync';
  } catch (error) {
    return `BROKEN: ${String(error)}`;
  } finally {
    await far.close();
    await proxy.close();
  }
}

type Files = ReadonlyMap<string, Buffer>;

function filesOf(bytes: number, seed: string): Files {
  return new Map([['t/part-1.parquet', Buffer.alloc(bytes, createHash('sha512').update(seed).digest())]]);
}

/** The steps of a sync on a storage: list, put what is missing, remove what is too much, tidy, read back. */
async function sync(far: FarStorage, files: Files): Promise<void> {
  const there = await sizesOf(far);
  for (const [path, bytes] of files) {
    if (there.get(path) === bytes.length) continue;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const outcome = await far.put({ path, content: { bytes }, sha256, over: 'nothing', signal });
    if (!outcome.done) throw new Error(`${path} is taken by ${JSON.stringify(outcome.taken)}`);
  }
  await far.remove(
    [...there.keys()].filter((path) => !files.has(path)),
    signal,
  );
  await leftovers(far, files);
  for (const [path, bytes] of files) {
    const got = await far.read({ path, signal });
    const chunks: Uint8Array[] = [];
    for await (const chunk of got?.chunks ?? []) chunks.push(chunk);
    if (!Buffer.concat(chunks).equals(bytes)) throw new Error(`${path} reads differently`);
  }
}

async function sizesOf(far: FarStorage): Promise<ReadonlyMap<string, number>> {
  const there = new Map<string, number>();
  for await (const page of far.list({ prefix: '', signal }))
    for (const { path, size_bytes } of page) there.set(path, size_bytes);
  return there;
}

function leftovers(far: FarStorage, files: Files) {
  const paths = [HALF, ...files.keys()];
  return far.leftovers({ begun_before_ms: Date.now() + 600_000, paths, remove: true, signal });
}

/** Whether just the files are there, and nothing half written; undefined when all is well. */
async function wrongWith(far: FarStorage, files: Files): Promise<string | undefined> {
  const found = [...(await sizesOf(far)).keys()].sort().join();
  if (found !== [...files.keys()].sort().join()) return `DIFFERENT: ${found}`;
  const left = await leftovers(far, files);
  return left.length > 0 ? `LEFT BEHIND: ${left.map(({ path }) => path).join()}` : undefined;
}

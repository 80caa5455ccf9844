import { buffer } from 'node:stream/consumers';
import { component } from '../../src/connectors/http/source.ts';
import { runShape, said } from '../../src/core/config/messages.ts';
import type {
  Landing,
  Position,
  PullContext,
  PulledSource,
  PullResult,
  RawEntry,
  RawStore,
} from '../../src/core/ports/pulled-source.ts';
import { type HeldUnit, heldLanding, pullContext } from '../services/held-landing.ts';

/** An HTTP source with options as they are written, defaults filled in; retries come at once. */
export async function httpSource(options: object): Promise<PulledSource> {
  const parsed = runShape(component.schema, { retry: { base_ms: 1, max_ms: 2, attempts: 3 }, ...options });
  if (parsed.issues.length > 0) throw new Error(JSON.stringify(parsed.issues));
  return component.open(parsed.value as never, {} as never);
}

/** What is wrong with options. */
export function problemsOf(options: object): readonly string[] {
  return runShape(component.schema, options).issues.flatMap((issue) =>
    said(issue).map(({ path, message }) => `${[...(issue.path ?? []), ...path].join('.')}: ${message}`),
  );
}

export interface Pulled {
  readonly result: PullResult | undefined;
  readonly error: { readonly code?: string; readonly message: string } | undefined;
  readonly units: readonly HeldUnit[];
  readonly notes: readonly string[];
  /** The records of all units, parsed. */
  readonly records: readonly unknown[];
  readonly text: string;
  /** Where the next pull begins: after the last unit, or further. */
  readonly position: Position | undefined;
}

/** One pull, and what came of it. */
export async function pull(
  options: object,
  more: Partial<PullContext> & { readonly raw?: RawStore; readonly units_max?: number } = {},
): Promise<Pulled> {
  const source = await httpSource(options);
  const { raw, units_max, ...context } = more;
  const held = heldLanding(units_max);
  const landing: Landing = raw === undefined ? held.landing : { ...held.landing, raw };
  const notes: string[] = [];
  let result: PullResult | undefined;
  let error: Pulled['error'];
  try {
    result = await source.pull(
      landing,
      pullContext(context.position, { ...context, note: (text) => notes.push(text) }),
    );
  } catch (thrown) {
    error = thrown as Error;
  } finally {
    await source.close();
  }
  const text = held.units.map(({ bytes }) => bytes.toString('utf8')).join('');
  const lines = text.split('\n').filter((line) => line !== '');
  const position = result?.position ?? held.units.at(-1)?.position ?? context.position;
  const records = held.units.every(({ layout }) => layout.format === 'ndjson')
    ? lines.map((line) => JSON.parse(line))
    : lines;
  return { result, error, units: held.units, notes, records, text, position };
}

/** Kept responses in memory. */
export function heldRaw(): RawStore & { readonly kept: { readonly entry: RawEntry; readonly body: Buffer }[] } {
  const kept: { entry: RawEntry; body: Buffer }[] = [];
  const bodyOf = (sha256: string) => kept.find(({ entry }) => entry.sha256 === sha256)?.body ?? Buffer.alloc(0);
  return {
    kept,
    put: async (given, about) => {
      const body = given instanceof Uint8Array ? Buffer.from(given) : await buffer(given);
      const entry: RawEntry = { ...about, sha256: String(kept.length).padStart(64, '0'), size_bytes: body.length };
      kept.push({ entry, body });
      return entry;
    },
    find: async (key) => kept.findLast(({ entry }) => entry.key === key)?.entry,
    entries: async () => kept.map(({ entry }) => entry),
    read: async ({ sha256 }) => bodyOf(sha256),
    pieces: async function* ({ sha256 }) {
      const body = bodyOf(sha256);
      for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536);
    },
  };
}

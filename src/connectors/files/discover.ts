import type {
  Discovery,
  InputUnit,
  KnownInput,
  KnownInputs,
  SourceContext,
  StampPage,
} from '../../core/ports/source.ts';
import { asKnown } from './as-known.ts';
import { kindOf } from './kinds.ts';
import type { FoundOptions } from './options.ts';
import { compileExcludes, compilePattern } from './patterns.ts';
import type { FileStamp, StampOf } from './stat-together.ts';
import { type Visitor, walk } from './walk.ts';

/** With more files than this the texts would take too much memory. */
const STAMPS_MAX = 1_000_000;
const NANOSECONDS_PER_MS = 1_000_000n;

/** Finds new and changed files; an unchanged one costs a single stat. Throws DataflowError E_SOURCE_IO. */
export function discoverFiles(options: FoundOptions, known: KnownInputs, context: SourceContext): Discovery {
  const finding = new Finding(options, known, context);
  const globs = listOf(options.path);
  for (const glob of globs) {
    context.signal?.throwIfAborted();
    finding.overlapping = globs.length > 1;
    walk(compilePattern(glob, context.root), context.root, finding);
  }
  return finding.result();
}

export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

/** Sorts files as they are visited. */
class Finding implements Visitor {
  /** Several globs may match one file, so paths are remembered. */
  overlapping = false;
  readonly excluded: (path: string) => boolean;
  readonly #options: FoundOptions;
  readonly #known: KnownInputs;
  readonly #context: SourceContext;
  readonly #now_ns: bigint;
  readonly #settle_ns: bigint;
  /** Filled only while several globs overlap; the list is cheaper. */
  readonly #seen = new Set<string>();
  readonly #paths: string[] = [];
  readonly #fresh: InputUnit[] = [];
  readonly #waiting: Discovery['waiting'][number][] = [];
  readonly #refused: Discovery['refused'][number][] = [];
  #unchanged = 0;
  #known_seen = 0;
  /** What is known, read for {@link settled}. */
  #stamps: readonly StampPage[] | undefined;
  /** The files of one folder were all that is known; whatever is visited besides is new. */
  #as_known = false;

  constructor(options: FoundOptions, known: KnownInputs, context: SourceContext) {
    this.#options = options;
    this.#known = known;
    this.#context = context;
    this.#now_ns = BigInt(Math.trunc(context.now_ms)) * NANOSECONDS_PER_MS;
    this.#settle_ns = BigInt(Math.round(options.settle_seconds * 1000)) * NANOSECONDS_PER_MS;
    this.excluded = compileExcludes(listOf(options.exclude));
  }

  file(path: string, absolute: string, stat: FileStamp): void {
    if (!this.#first(path)) return;
    const before = this.#known.get(path);
    if (before !== undefined) this.#known_seen += 1;
    if (before !== undefined && !this.#context.rehash && isSame(before, stat)) {
      this.#unchanged += 1;
      return;
    }
    const age_ns = this.#now_ns - stat.mtimeNs;
    // A time in the future says nothing about writing; a clock is wrong somewhere.
    if (age_ns < this.#settle_ns && age_ns > -this.#settle_ns) {
      const left_ms = Number((this.#settle_ns - age_ns) / NANOSECONDS_PER_MS);
      this.#waiting.push({
        path,
        ready_in_ms: left_ms,
        reason: `changed just now, perhaps still being written; ${seconds(left_ms)} s more to wait (settle_seconds: ${this.#options.settle_seconds})`,
      });
      return;
    }
    this.#take(path, absolute, stat);
  }

  meanwhile(files: number): void {
    // What is known is read when it is first asked for.
    if (!this.#nothingSeen() || files > STAMPS_MAX) void this.#known.size;
    else this.#stamps = this.#known.stamps?.();
  }

  settled(prefix: string, names: readonly string[], stampOf: StampOf): boolean {
    const stamps = this.#stamps;
    this.#stamps = undefined;
    if (stamps === undefined || !this.#nothingSeen() || !asKnown(prefix, names, stampOf, stamps)) return false;
    this.#as_known = true;
    this.#unchanged += names.length;
    this.#known_seen += names.length;
    return true;
  }

  /** Nothing was visited yet, and what is visited is what will be found. */
  #nothingSeen(): boolean {
    return !this.overlapping && !this.#context.rehash && this.#paths.length === 0 && !this.#as_known;
  }

  refuse(path: string, code: string, reason: string): void {
    if (this.#first(path)) this.#refused.push({ path, code, reason });
  }

  missing(path: string, reason: string): void {
    if (!this.#known.has(path)) this.#waiting.push({ path, reason, ready_in_ms: 0 });
  }

  result(): Discovery {
    if (this.#as_known && this.#paths.length === 0 && this.#waiting.length === 0)
      return { fresh: [], unchanged: this.#unchanged, waiting: [], refused: [], vanished: [], as_known: true };
    return {
      fresh: this.#fresh.sort(byPath),
      unchanged: this.#unchanged,
      waiting: this.#waiting.sort(byPath),
      refused: this.#refused.sort(byPath),
      vanished: this.#vanished(),
    };
  }

  #vanished(): readonly string[] {
    if (this.#known_seen === this.#known.size) return [];
    const present = new Set(this.#paths);
    return [...this.#known.keys()].filter((path) => !present.has(path)).sort();
  }

  #first(path: string): boolean {
    if (this.overlapping) {
      if (this.#seen.has(path)) return false;
      this.#seen.add(path);
    }
    this.#paths.push(path);
    return true;
  }

  #take(path: string, absolute: string, stat: FileStamp): void {
    const { format, made_from, compression } = kindOf(path, this.#options);
    const limit = this.#options.max_file_bytes;
    if (stat.size > BigInt(limit))
      this.#refused.push({
        path,
        code: 'too_large',
        reason: `it has ${stat.size} bytes; at most ${limit} are allowed (max_file_bytes)`,
      });
    else if (format === undefined)
      this.#refused.push({
        path,
        code: 'unknown_format',
        reason: 'its extension tells no format; set `format:`, or narrow `path:`',
      });
    else {
      this.#fresh.push({
        path,
        uri: absolute,
        size_bytes: Number(stat.size),
        mtime_ns: stat.mtimeNs.toString(),
        inode: stat.ino.toString(),
        format,
        ...(made_from === undefined ? {} : { made_from }),
        compression,
      });
    }
  }
}

/** Size, time and inode are the hint; the hash is the proof (`--rehash`). */
export function isSame(known: Pick<KnownInput, 'size_bytes' | 'mtime_ns' | 'inode'>, stat: FileStamp): boolean {
  return (
    Number(stat.size) === known.size_bytes &&
    stat.mtimeNs.toString() === known.mtime_ns &&
    stat.ino.toString() === known.inode
  );
}

function seconds(ms: number): string {
  return (Math.ceil(ms / 100) / 10).toString();
}

/** By UTF-16 code units: the same order on every machine. */
function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

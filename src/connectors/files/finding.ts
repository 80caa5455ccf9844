import { archiveOf, memberPath } from '../../core/model/member-path.ts';
import type { ArchiveListing, ArchiveMember } from '../../core/ports/archive.ts';
import type {
  Discovery,
  InputUnit,
  KnownInput,
  KnownInputs,
  OpenedArchive,
  SourceContext,
  StampPage,
} from '../../core/ports/source.ts';
import { asKnown } from './as-known.ts';
import { archiveKindOf, isArchive, kindOf } from './kinds.ts';
import { type FoundOptions, listOf } from './options.ts';
import { compileExcludes, compileMembers } from './patterns.ts';
import type { FileStamp, StampOf } from './stat-together.ts';
import type { Visitor } from './walk.ts';

/** With more files than this the texts would take too much memory. */
const STAMPS_MAX = 1_000_000;
const NANOSECONDS_PER_MS = 1_000_000n;
/** What the path of a file of a place begins with; `exclude:` speaks of what follows, as `path:` does. */
const PLACE = /^[A-Za-z][\w-]*:\/\//;

/** Sorts files, and members of archives, as they are visited. */
export class Finding implements Visitor {
  /** Several globs may match one file, so paths are remembered. */
  overlapping = false;
  readonly excluded: (path: string) => boolean;
  /** New or changed archives; they have to be looked into. */
  readonly archives: InputUnit[] = [];
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
  readonly #opened: OpenedArchive[] = [];
  readonly #isMember: ((name: string) => boolean) | undefined;
  /** What is known of members, by archive; filled when the first archive comes. */
  #members_known: ReadonlyMap<string, readonly string[]> | undefined;
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
    this.#isMember = compileMembers(listOf(options.members));
  }

  file(path: string, absolute: string, stat: FileStamp): void {
    if (!this.#first(path)) return;
    const before = this.#known.get(path);
    if (before !== undefined) this.#known_seen += 1;
    if (before !== undefined && !this.#context.rehash && isSame(before, stat)) {
      // An archive brings no rows of its own, so it is never loaded: of most files not even the name is looked at.
      const archive = before.status === 'loaded' ? undefined : this.#archiveKind(path);
      this.#unchanged += archive === undefined ? 1 : this.#membersStay(path);
      return;
    }
    const archive = this.#archiveKind(path);
    const age_ns = this.#now_ns - stat.mtimeNs;
    // A time in the future says nothing about writing; a clock is wrong somewhere.
    if (age_ns < this.#settle_ns && age_ns > -this.#settle_ns) {
      if (archive !== undefined) this.#membersStay(path);
      // 0 would say that it is not there.
      const left_ms = Number((this.#settle_ns - age_ns) / NANOSECONDS_PER_MS) + 1;
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
      ...(this.#opened.length === 0 ? {} : { archives: this.#opened }),
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
    const archive = this.#archiveKind(path);
    const { format, made_from, compression } = kindOf(path, this.#options);
    const shared = {
      path,
      uri: absolute,
      size_bytes: Number(stat.size),
      mtime_ns: stat.mtimeNs.toString(),
      inode: stat.ino.toString(),
    };
    if (stat.size > BigInt(this.#options.max_file_bytes)) this.#tooLarge(path, stat.size);
    else if (archive !== undefined) {
      const unit: InputUnit = { ...shared, format: 'csv', compression: 'gzip', archive };
      if (this.#context.look_only !== true) {
        this.archives.push(unit);
        return;
      }
      this.#fresh.push(unit);
    } else if (format === undefined) this.#refused.push({ path, code: 'unknown_format', reason: UNKNOWN_FORMAT });
    else this.#fresh.push({ ...shared, format, ...(made_from === undefined ? {} : { made_from }), compression });
    if (archive !== undefined) this.#membersStay(path);
  }

  #tooLarge(path: string, size: bigint | number): void {
    const limit = this.#options.max_file_bytes;
    this.#refused.push({
      path,
      code: 'too_large',
      reason: `it has ${size} bytes; at most ${limit} are allowed (max_file_bytes)`,
    });
  }

  /** A kind of source with a format of its own looks into nothing. */
  #archiveKind(path: string): InputUnit['archive'] {
    return this.#options.format === 'document' ? undefined : archiveKindOf(path);
  }

  /** What an archive holds. @returns the units that are new or changed */
  opened(archive: InputUnit, { sha256, members, problem }: ArchiveListing): readonly InputUnit[] {
    const remembered = { unit: archive, sha256 };
    if (problem !== undefined) {
      this.#membersStay(archive.path);
      this.#opened.push({ ...remembered, members: 0, problem });
      return [];
    }
    const units: InputUnit[] = [];
    let meant = 0;
    for (const member of members) {
      const path = memberPath(archive.path, member.name);
      if (!this.#isMeant(member.name) || this.excluded(path.replace(PLACE, '')) || !this.#first(path)) continue;
      meant += 1;
      const unit = this.#member(archive, member, path);
      if (unit !== undefined) units.push(unit);
    }
    this.#fresh.push(...units);
    this.#opened.push({ ...remembered, members: meant });
    return units;
  }

  /** Without globs the names decide that tell a format; what hides itself, or stands for attributes of files, is not meant. */
  #isMeant(name: string): boolean {
    if (this.#isMember !== undefined) return this.#isMember(name);
    if (name.startsWith('__MACOSX/') || name.split('/').some((part) => part.startsWith('.'))) return false;
    return isArchive(name) || kindOf(name, this.#options).format !== undefined;
  }

  #member(archive: InputUnit, member: ArchiveMember, path: string): InputUnit | undefined {
    // With its archive's time and identity it is known to be unchanged without a look into the archive.
    const stamp = {
      size_bytes: member.size_bytes,
      mtime_ns: archive.mtime_ns,
      inode: `${archive.inode}/${archive.size_bytes}`,
    };
    const before = this.#known.get(path);
    if (before !== undefined) this.#known_seen += 1;
    if (before !== undefined && !this.#context.rehash && sameStamp(before, stamp)) {
      this.#unchanged += 1;
      return undefined;
    }
    const { format, made_from, compression } = kindOf(member.name, this.#options);
    if (member.refused !== undefined) this.#refused.push({ path, ...member.refused });
    else if (isArchive(member.name)) this.#refused.push({ path, code: 'nested_archive', reason: NESTED_ARCHIVE });
    else if (member.size_bytes > this.#options.max_file_bytes) this.#tooLarge(path, member.size_bytes);
    else if (format === undefined) this.#refused.push({ path, code: 'unknown_format', reason: UNKNOWN_FORMAT });
    else {
      const from = made_from === undefined ? {} : { made_from };
      const { uri, archive: kind } = archive;
      return { path, uri, ...stamp, format, ...from, compression, archive: kind ?? 'zip', member: member.name };
    }
    return undefined;
  }

  /** The members of an archive that is not looked into are there as they were. @returns how many */
  #membersStay(archive: string): number {
    this.#members_known ??= membersByArchive(this.#known);
    const members = (this.#members_known.get(archive) ?? []).filter((path) => this.#first(path));
    this.#known_seen += members.length;
    return members.length;
  }
}

const UNKNOWN_FORMAT = 'its extension tells no format; set `format:`, or narrow `path:`';
const NESTED_ARCHIVE = 'it is an archive within an archive; such are not looked into';

function membersByArchive(known: KnownInputs): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const path of known.keys()) {
    const archive = archiveOf(path);
    if (archive === undefined) continue;
    const members = found.get(archive);
    if (members === undefined) found.set(archive, [path]);
    else members.push(path);
  }
  return found;
}

type Stamp = Pick<KnownInput, 'size_bytes' | 'mtime_ns' | 'inode'>;

function sameStamp(a: Stamp, b: Stamp): boolean {
  return a.size_bytes === b.size_bytes && a.mtime_ns === b.mtime_ns && a.inode === b.inode;
}

/** Size, time and inode are the hint; the hash is the proof (`--rehash`). */
export function isSame(known: Stamp, stat: FileStamp): boolean {
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

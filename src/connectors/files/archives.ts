import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ArchiveListing, ArchiveReader, ArchiveRequest } from '../../core/ports/archive.ts';
import type { ArchiveKind, InputUnit, Inspection, SourceContext, UnitProblem } from '../../core/ports/source.ts';
import { digestFile } from '../../kit/digest-file.ts';
import { timeSortedId } from '../../kit/ids.ts';
import type { FoundOptions } from './options.ts';

/** Left free on the disk of the temp folder. */
const SPARE_BYTES = 64 * 1024 * 1024;

/** A member that was taken out, or why it could not be. */
export interface TakenMember {
  readonly uri: string;
  readonly problem?: UnitProblem;
}

interface Known {
  readonly listing: Promise<ArchiveListing>;
  /** Members that will be asked for. */
  readonly wanted: Map<string, number>;
  taken: Promise<ReadonlyMap<string, TakenMember>>;
}

/**
 * The archives that a source looked into. Each is listed once while it looks the same, and what is taken out of it is taken in one pass: a
 * compressed tar has no other way to a member than through everything before it.
 */
export class Archives {
  readonly #reader: ArchiveReader | undefined;
  readonly #options: FoundOptions;
  readonly #known = new Map<string, Known>();

  constructor(reader: ArchiveReader | undefined, options: FoundOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  /** What is in it. @param stamp how it looks @param uri the file itself */
  list(stamp: string, uri: string, kind: ArchiveKind, signal: AbortSignal | undefined): Promise<ArchiveListing> {
    const known = this.#known.get(stamp);
    if (known !== undefined) return known.listing;
    const listing = this.#asked().list(this.#request(uri, kind), signal);
    this.#known.set(stamp, { listing, wanted: new Map(), taken: Promise.resolve(new Map()) });
    return listing;
  }

  /** Says that a member will be asked for. */
  want(stamp: string, name: string, size_bytes: number): void {
    this.#known.get(stamp)?.wanted.set(name, size_bytes);
  }

  /** @throws DataflowError E_LAKE_SPACE, E_SOURCE_IO, E_LAKE_IO */
  async take(
    stamp: string,
    uri: string,
    { archive, member = '' }: Pick<InputUnit, 'archive' | 'member'>,
    context: SourceContext,
  ): Promise<TakenMember> {
    const known = this.#known.get(stamp);
    if (known === undefined || archive === undefined)
      throw new DataflowError('E_INTERNAL', `the archive of ${member} was not looked into`);
    const request = this.#request(uri, archive);
    known.taken = known.taken.then((taken) =>
      taken.has(member) ? taken : this.#extract(request, known.wanted, taken, context),
    );
    const found = (await known.taken).get(member);
    if (found === undefined) throw new DataflowError('E_SOURCE_CHANGED', `${uri} no longer has the member ${member}`);
    return found;
  }

  async #extract(
    request: ArchiveRequest,
    wanted: ReadonlyMap<string, number>,
    before: ReadonlyMap<string, TakenMember>,
    context: SourceContext,
  ): Promise<ReadonlyMap<string, TakenMember>> {
    const missing = [...wanted].filter(([name]) => !before.has(name));
    const bytes = missing.reduce((sum, [, size]) => sum + size, 0);
    refuseWithoutSpace(context.temp_folder, bytes, request.uri);
    const folder = join(context.temp_folder, `members-${timeSortedId()}`);
    mkdirSync(folder, { mode: 0o700 });
    const targets = new Map(missing.map(([name], index) => [name, join(folder, String(index))]));
    const problems = await this.#asked().extract(request, targets, context.signal);
    const taken = new Map(before);
    for (const [name, uri] of targets) {
      const problem = problems.get(name);
      taken.set(name, problem === undefined ? { uri } : { uri, problem });
    }
    return taken;
  }

  #asked(): ArchiveReader {
    if (this.#reader === undefined)
      throw new DataflowError('E_INTERNAL', 'this source was given nothing that reads archives');
    return this.#reader;
  }

  #request(uri: string, kind: ArchiveKind): ArchiveRequest {
    const { max_expanded_bytes, max_ratio } = this.#options;
    return { uri, kind, max_expanded_bytes, max_ratio };
  }
}

/** What is known of a member that could not be taken out whole. */
export function damagedMember({ uri, problem }: TakenMember): Inspection | undefined {
  if (problem === undefined) return undefined;
  const { sha256 = '', size_bytes } = digestFile(uri, () => undefined);
  return {
    sha256,
    size_bytes,
    expanded_bytes: size_bytes,
    records: 0,
    first_record_line: 1,
    multiline_records: false,
    encoding: 'binary',
    problem,
    notes: [],
  };
}

/** @throws DataflowError E_LAKE_SPACE when the copies would not fit. */
export function refuseWithoutSpace(folder: string, bytes: number, what: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (bytes + SPARE_BYTES <= free) return;
  throw new DataflowError(
    'E_LAKE_SPACE',
    `${what}: its content needs ${bytes} bytes in ${folder}, where ${free} are free`,
    { hint: 'Make room there, or take it in parts.' },
  );
}

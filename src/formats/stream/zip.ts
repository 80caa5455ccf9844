import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type ExpandFacts, type ExpandLimits, RATIO_FLOOR_BYTES } from './expand.ts';
import { UnitFault } from './unit-fault.ts';

const MEMBERS_MAX = 100_000;
/** What the system that made an archive calls itself where file kinds are those of Unix. */
const MADE_ON_UNIX = 3;
/** By the upper four bits of the mode. */
const KINDS = new Map<number, ZipMember['kind']>([
  [0x1, 'named pipe'],
  [0x2, 'device'],
  [0x6, 'device'],
  [0xa, 'link'],
  [0xc, 'socket'],
]);

/** What the directory of an archive states of a member. */
export interface ZipMember {
  readonly name: string;
  /** After decompression. */
  readonly size_bytes: number;
  readonly encrypted: boolean;
  readonly kind: 'file' | 'link' | 'device' | 'named pipe' | 'socket';
}

/** The members of a zip archive, read one by one as streams; what all of them expand to counts against the limits together. */
export class ZipMembers {
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #limits: ExpandLimits;
  readonly #facts: ExpandFacts;

  private constructor(zip: ZipFile, entries: ReadonlyMap<string, Entry>, limits: ExpandLimits, facts: ExpandFacts) {
    this.#zip = zip;
    this.#entries = entries;
    this.#limits = limits;
    this.#facts = facts;
  }

  /** @throws UnitFault `damaged_zip`, `unsafe_file`; DataflowError E_SOURCE_IO */
  static async open(path: string, limits: ExpandLimits, facts: ExpandFacts): Promise<ZipMembers> {
    const zip = await guarded(path, () => openPromise(path, { autoClose: false, validateEntrySizes: true }));
    try {
      return new ZipMembers(zip, await guarded(path, () => entriesOf(zip)), limits, facts);
    } catch (error) {
      zip.close();
      throw error;
    }
  }

  list(): readonly ZipMember[] {
    return [...this.#entries.values()].map((entry) => ({
      name: entry.fileName,
      size_bytes: entry.uncompressedSize,
      encrypted: entry.isEncrypted(),
      kind: kindOf(entry),
    }));
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Chunks of a member. @throws UnitFault `damaged_zip` also when its checksum is another, `expansion_limit` */
  async *read(name: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new UnitFault('damaged_zip', `it has no member ${name}`);
    if (entry.isEncrypted()) throw new UnitFault('encrypted_file', `member ${name} is encrypted`);
    const place = `member ${name}`;
    let sum = 0;
    const stream = await guarded(place, () => this.#zip.openReadStreamPromise(entry), `${place} is damaged`);
    const chunks = stream[Symbol.asyncIterator]();
    try {
      for (;;) {
        signal?.throwIfAborted();
        const { value, done } = await guarded(place, () => chunks.next(), `${place} is damaged`);
        if (done === true) break;
        const chunk = value as Buffer;
        sum = crc32(chunk, sum);
        this.#count(chunk.length);
        yield chunk;
      }
    } finally {
      stream.destroy();
    }
    if (sum !== entry.crc32)
      throw new UnitFault('damaged_zip', `the checksum of ${place} is another`, {
        byte_offset: entry.relativeOffsetOfLocalHeader,
      });
  }

  close(): void {
    this.#zip.close();
  }

  #count(bytes: number): void {
    this.#facts.expanded_bytes += bytes;
    const { max_expanded_bytes, max_ratio } = this.#limits;
    if (this.#facts.expanded_bytes > max_expanded_bytes)
      throw new UnitFault('expansion_limit', `it expands beyond ${max_expanded_bytes} bytes (max_expanded_bytes)`);
    if (this.#facts.expanded_bytes > Math.max(RATIO_FLOOR_BYTES, this.#zip.fileSize * max_ratio))
      throw new UnitFault('expansion_limit', `it expands to more than ${max_ratio} times its size (max_ratio)`);
  }
}

function kindOf(entry: Entry): ZipMember['kind'] {
  if (entry.versionMadeBy >>> 8 !== MADE_ON_UNIX) return 'file';
  return KINDS.get(entry.externalFileAttributes >>> 28) ?? 'file';
}

async function entriesOf(zip: ZipFile): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    if (entries.size >= MEMBERS_MAX) throw new UnitFault('unsafe_file', `it has more than ${MEMBERS_MAX} members`);
    if (entries.has(entry.fileName)) throw new UnitFault('duplicate_member', `it has two members ${entry.fileName}`);
    entries.set(entry.fileName, entry);
  }
  return entries;
}

/** What the reader finds wrong with the archive is a fault of the unit; what the operating system says is not. */
async function guarded<T>(place: string, work: () => Promise<T>, words = 'it is not a whole zip archive'): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnitFault || !(error instanceof Error)) throw error;
    if ('syscall' in error)
      throw new DataflowError('E_SOURCE_IO', `${place} cannot be read: ${error.message}`, { cause: error });
    if (/^(?:absolute path|invalid relative path|invalid characters in fileName)/.test(error.message))
      throw new UnitFault('unsafe_name', `it has a member whose name leads out of the archive: ${error.message}`);
    throw new UnitFault('damaged_zip', `${words}: ${error.message}`);
  }
}

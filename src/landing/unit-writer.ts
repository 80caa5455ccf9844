import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { SealedUnit } from '../core/ports/landing-place.ts';
import type { UnitEnd, UnitLayout, UnitWriter, UnreadableRecord } from '../core/ports/pulled-source.ts';
import { faultPoint } from '../kit/fault.ts';
import type { SpaceWatch } from './space.ts';
import { UnitFile } from './unit-file.ts';

export const ENDINGS = { ndjson: 'ndjson', csv: 'csv', parquet: 'parquet' } as const;

export type Sealed = Omit<SealedUnit, 'name' | 'layout' | 'pull' | 'number' | 'follows'>;

/** More text of unreadable records than this is written out. */
const UNREADABLE_CHARS_MAX = 1_000_000;

/** Records that could not be written as rows, on their way into a file of their own, which is made when the first one comes. */
class UnreadableFile {
  readonly #path: string;
  readonly #space: SpaceWatch;
  #file: UnitFile | undefined;
  #lines: string[] = [];
  #chars = 0;
  #writing: Promise<void> = Promise.resolve();
  #fault: unknown;
  records = 0;

  constructor(path: string, space: SpaceWatch) {
    this.#path = path;
    this.#space = space;
  }

  add({ rule, reason, where: place, raw }: UnreadableRecord): void {
    const line = `${JSON.stringify({ rule, reason, place, raw })}\n`;
    this.#lines.push(line);
    this.#chars += line.length;
    this.records += 1;
    if (this.#chars >= UNREADABLE_CHARS_MAX) this.#flush();
  }

  #flush(): void {
    const text = this.#lines.join('');
    [this.#lines, this.#chars] = [[], 0];
    if (text === '') return;
    this.#writing = this.#writing
      .then(async () => {
        this.#file ??= await UnitFile.create(this.#path, this.#space);
        await this.#file.write(Buffer.from(text));
      })
      .catch((error: unknown) => {
        this.#fault ??= error;
      });
  }

  /** Resolves when what was written out is written. */
  async settled(): Promise<void> {
    await this.#writing;
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** The path of the durable file; undefined when every record could be read. */
  async seal(): Promise<string | undefined> {
    this.#flush();
    await this.settled();
    await this.#file?.seal();
    return this.#file?.path;
  }

  async abandon(): Promise<void> {
    await this.#writing;
    await this.#file?.abandon();
  }
}

/** What the end of a unit means to its pull. */
export interface UnitEnding {
  /** The unit takes nothing more. @param sealed resolves when a later run can use it; absent: it was given up */
  closes(sealed?: Promise<void>): void;
  /** Makes it one that a later run can use: all its bytes are durable. */
  seal(sealed: Sealed): Promise<void>;
}

/** Writes one unit below `base`. */
export async function openUnit(
  base: string,
  layout: UnitLayout,
  space: SpaceWatch,
  to: UnitEnding,
): Promise<UnitWriter> {
  const file = await UnitFile.create(`${base}.${ENDINGS[layout.format]}`, space);
  const bad = new UnreadableFile(`${base}.unreadable.ndjson`, space);
  let closed = false;
  const stillOpen = (): void => {
    if (closed) throw new DataflowError('E_INTERNAL', 'a landed unit was written to after it was closed');
  };
  const sealedWith = async (end: UnitEnd): Promise<void> => {
    const unreadable_uri = await bad.seal();
    const { sha256, size_bytes } = await file.seal();
    faultPoint('landing-before-manifest');
    await to.seal({
      uri: file.path,
      size_bytes,
      sha256,
      records: end.records,
      unreadable: bad.records,
      ...(unreadable_uri === undefined ? {} : { unreadable_uri }),
      position: end.position,
      spans: end.spans ?? [],
      raw: end.raw ?? [],
      ...(end.facts === undefined ? {} : { facts: end.facts }),
    });
  };
  return {
    get size_bytes() {
      return file.size_bytes;
    },
    write: async (bytes) => {
      stillOpen();
      await bad.settled();
      await file.write(bytes);
    },
    unreadable: (record) => {
      stillOpen();
      bad.add(record);
    },
    close: async (end: UnitEnd) => {
      stillOpen();
      closed = true;
      const sealed = sealedWith(end);
      to.closes(sealed);
      await sealed;
    },
    abandon: async () => {
      if (closed) return;
      closed = true;
      await file.abandon();
      await bad.abandon();
      to.closes();
    },
  };
}

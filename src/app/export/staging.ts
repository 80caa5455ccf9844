import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { syncFolder, writeDurably } from '../../kit/durable.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { makeFolders } from '../../kit/make-folders.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from '../../kit/process-identity.ts';

const PREFIX = '.dataflow-export-';
const OWNER = 'owner.json';
const MOVES = 'moves.json';

/** What has to happen once every file is on the disk. */
export interface Moves {
  /** In this order; the manifest is the last one. */
  readonly files: readonly string[];
  readonly manifest: string;
  /** Whether files that are there may be replaced. */
  readonly replace: boolean;
  /** Files of an earlier export that belong to it no more. */
  readonly outdated: readonly string[];
}

/**
 * Files that are written beside where they will lie, and moved there once all of them are on the disk. The old manifest goes first and the new one
 * comes last: whoever finds one finds the files that it names. A move that was cut off is finished by the next export into the folder.
 */
export class Staging {
  readonly #folder: string;
  readonly #place: string;

  private constructor(folder: string, place: string) {
    this.#folder = folder;
    this.#place = place;
  }

  /** Makes the folder. @throws DataflowError E_OUTPUT. */
  static open(folder: string): Staging {
    return writing(folder, () => {
      makeFolders(folder);
      const place = join(folder, `${PREFIX}${timeSortedId()}`);
      mkdirSync(place, { mode: 0o700 });
      writeFileSync(join(place, OWNER), JSON.stringify(thisProcess()));
      return new Staging(folder, place);
    });
  }

  /** Finishes what an export whose process is dead had begun to move, and removes what one left that had not. @throws DataflowError E_OUTPUT. */
  static async recover(folder: string): Promise<void> {
    const places = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(PREFIX)) : [];
    for (const place of places.map((name) => join(folder, name))) {
      if (!isAbandoned(place)) continue;
      const staging = new Staging(folder, place);
      if (existsSync(join(place, MOVES)))
        await staging.#move(JSON.parse(readFileSync(join(place, MOVES), 'utf8')) as Moves);
      staging.remove();
    }
  }

  path(file: string): string {
    return join(this.#place, file);
  }

  /** Makes the bytes of a staged file durable. */
  async seal(file: string): Promise<void> {
    const handle = await open(this.path(file), 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Moves sealed files to their places, the manifest last. @throws DataflowError E_USAGE when a file has come there that may not be replaced. */
  async publish(moves: Moves, manifest: unknown): Promise<void> {
    writeFileSync(this.path(moves.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    await this.seal(moves.manifest);
    faultPoint('export-staged');
    await writeDurably(this.path(MOVES), JSON.stringify(moves));
    await this.#move(moves);
  }

  async #move({ files, manifest, replace, outdated }: Moves): Promise<void> {
    // When a move is finished by another process, what is no longer staged has been moved.
    if (replace && existsSync(this.path(manifest))) {
      rmSync(join(this.#folder, manifest), { force: true });
      for (const file of outdated) rmSync(join(this.#folder, file), { force: true });
      await syncFolder(this.#folder);
    }
    for (const file of [...files, manifest]) {
      const [from, to] = [this.path(file), join(this.#folder, file)];
      if (existsSync(from)) {
        if (file === manifest) await syncFolder(this.#folder);
        if (replace) renameSync(from, to);
        else moveIfFree(from, to);
      }
      faultPoint('export-file-moved');
    }
    await syncFolder(this.#folder);
  }

  remove(): void {
    rmSync(this.#place, { recursive: true, force: true });
  }
}

/** What is refused by the system where files shall lie, in our words. */
function writing<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DataflowError('E_OUTPUT', `nothing can be written to ${folder}: ${why}`, {
      cause: error,
      hint: 'Name another folder, or see who may write there and whether there is space.',
    });
  }
}

/** Whose it is cannot be told after a crash between the two lines that make it; it holds nothing then. */
function isAbandoned(place: string): boolean {
  try {
    return livenessOf(JSON.parse(readFileSync(join(place, OWNER), 'utf8')) as ProcessIdentity) === 'dead';
  } catch {
    return readdirSync(place).length <= 1;
  }
}

/** A link is refused where a file is, which a renaming would replace without a word. */
function moveIfFree(from: string, to: string): void {
  try {
    linkSync(from, to);
    rmSync(from);
  } catch (error) {
    if (!existsSync(to)) {
      // File systems without links (FAT, some network shares).
      renameSync(from, to);
    } else if (statSync(from).ino === statSync(to).ino) {
      rmSync(from);
    } else
      throw new DataflowError('E_USAGE', `${to} came into being meanwhile`, {
        cause: error,
        hint: 'Replace it with --force, or choose another place.',
      });
  }
}

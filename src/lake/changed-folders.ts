import { dirname } from 'node:path';
import { fsyncFolder } from './local-files.ts';

const KEPT = 'nothing was published';

/** An fsync under way, and the one that everybody shares who asks meanwhile. */
interface Sync {
  running: Promise<void>;
  next?: Promise<void>;
}

/**
 * Folders with entries that the disk may not have yet. Steps that run side by side make folders and files in the same ones: what one of
 * them made counts as durable for another only once it is, and their fsyncs of one folder are joined.
 */
export class ChangedFolders {
  /** Folder → how often it was noted. */
  readonly #noted = new Map<string, number>();
  readonly #syncs = new Map<string, Sync>();

  /** A folder was made in this one; nobody has to wait for the disk yet. */
  note(folder: string): void {
    this.#noted.set(folder, (this.#noted.get(folder) ?? 0) + 1);
  }

  /** fsync of `folders`, and of whatever was noted above the folders `below`. */
  async settle(folders: readonly string[], ...below: readonly string[]): Promise<void> {
    const wanted = new Set(folders);
    if (this.#noted.size > 0) for (const one of below) for (const above of this.#notedAbove(one)) wanted.add(above);
    // All of them end before an error leaves: nothing is still being asked of the disk then.
    const ends = await Promise.allSettled([...wanted].map((folder) => this.#settleOne(folder)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  *#notedAbove(folder: string): Generator<string> {
    for (let one = folder; ; one = dirname(one)) {
      if (this.#noted.has(one)) yield one;
      if (dirname(one) === one) return;
    }
  }

  async #settleOne(folder: string): Promise<void> {
    const times = this.#noted.get(folder);
    await this.#sync(folder);
    // What was noted meanwhile may have come after the fsync.
    if (this.#noted.get(folder) === times) this.#noted.delete(folder);
  }

  /** An fsync that begins after this call; one that is under way may have missed what the caller did. */
  #sync(folder: string): Promise<void> {
    const under_way = this.#syncs.get(folder);
    if (under_way === undefined) {
      const running = fsyncFolder(folder, KEPT).finally(() => {
        if (this.#syncs.get(folder)?.running === running) this.#syncs.delete(folder);
      });
      this.#syncs.set(folder, { running });
      return running;
    }
    // When the one under way fails, this one fails too: the disk is not asked twice.
    under_way.next ??= under_way.running.then(() => this.#sync(folder));
    return under_way.next;
  }
}

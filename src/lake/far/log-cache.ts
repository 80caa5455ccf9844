import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What was kept so long ago is of a table that is gone, or lies before a checkpoint; else it is read once more. */
const FORGOTTEN_AFTER_MS = 30 * 86_400_000;
const HASH_BYTES = 32;

/**
 * Small files of a lake elsewhere that never change (log entries, checkpoints, releases), by their path and the mark of their writing: a table that was made
 * anew has other marks. What cannot be kept is read again the next time; nothing here is durable.
 */
export class LogCache {
  readonly #folder: string;
  #swept = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get(path: string, mark: string): Uint8Array | undefined {
    try {
      const file = this.#fileOf(path, mark);
      const bytes = readFileSync(file);
      const content = bytes.subarray(HASH_BYTES);
      if (hashOf(content).equals(bytes.subarray(0, HASH_BYTES))) return content;
      rmSync(file, { force: true });
      return undefined;
    } catch {
      return undefined;
    }
  }

  keep(path: string, mark: string, content: Uint8Array): void {
    const target = this.#fileOf(path, mark);
    const draft = `${target}.${randomUUID()}`;
    if (existsSync(target)) return;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      // The hash of the bytes stands before them: after a loss of power a file may be there without its content.
      writeFileSync(draft, Buffer.concat([hashOf(content), content]), { mode: 0o600 });
      renameSync(draft, target);
      if (!this.#swept) this.#sweep(Date.now());
    } catch {
      rmSync(draft, { force: true });
    }
  }

  #sweep(now_ms: number): void {
    this.#swept = true;
    try {
      for (const name of readdirSync(this.#folder)) {
        const file = join(this.#folder, name);
        if (statSync(file).mtimeMs < now_ms - FORGOTTEN_AFTER_MS) rmSync(file, { force: true });
      }
    } catch {
      // nothing was kept yet, or another process sweeps at this moment
    }
  }

  #fileOf(path: string, mark: string): string {
    return join(this.#folder, createHash('sha256').update(`${path}\0${mark}`).digest('hex'));
  }
}

function hashOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}

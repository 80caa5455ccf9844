import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFolder, writeDurably } from '../../kit/durable.ts';
import type { DocumentKind, Reading } from './reading.ts';
import type { DocumentRecord } from './records.ts';

/** The JSON result of one document, as it lies in the lake beside the table. */
export interface KeptResult extends Reading {
  /** The path under which it came first. */
  readonly document: string;
  readonly sha256: string;
  readonly size_bytes: number;
  /** Name of the kept original, in the same folder. */
  readonly original: string;
  readonly records: readonly DocumentRecord[];
}

/** Originals and results of one source by the SHA-256 of the original: each is written once, whole or not at all. */
export class KeptDocuments {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Keeps the original and answers where it lies. */
  async original(sha256: string, kind: DocumentKind, bytes: Buffer): Promise<string> {
    const path = join(this.#folder, originalName(sha256, kind));
    const there = await stat(path).catch(() => undefined);
    if (there?.size === bytes.length) return path;
    await makePrivateFolder(this.#folder);
    await writeDurably(path, bytes);
    return path;
  }

  /** What was read of it; undefined when nothing was, or it was read in another way than today's, or the result is damaged. */
  async result(sha256: string, read_with: Reading['read_with']): Promise<KeptResult | undefined> {
    const text = await readFile(this.#resultPath(sha256), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const kept = JSON.parse(text) as KeptResult;
      return sameText(kept.read_with, read_with) && kept.sha256 === sha256 ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  async put(result: KeptResult): Promise<void> {
    await makePrivateFolder(this.#folder);
    await writeDurably(this.#resultPath(result.sha256), `${JSON.stringify(result, null, 1)}\n`);
  }

  #resultPath(sha256: string): string {
    return join(this.#folder, `${sha256}.json`);
  }
}

export function originalName(sha256: string, kind: DocumentKind): string {
  return `${sha256}.${kind === 'jpeg' ? 'jpg' : kind}`;
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

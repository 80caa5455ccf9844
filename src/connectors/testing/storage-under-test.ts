import { createHash } from 'node:crypto';
import type { FarFile, FarStorage, PutOutcome, PutRequest } from '../../core/ports/far-storage.ts';

/** A far storage, and all that the contract has to know of it. The system behind it must run. */
export interface StorageUnderTest {
  /** Opens the base folder of that name, which nobody else uses; made when something is put. */
  open(folder: string): FarStorage | Promise<FarStorage>;
  /** A size that goes up in several parts (or several blocks). */
  readonly large_bytes: number;
  /** The same with a login that is refused: E_FAR_DENIED, and the text names no secret. Absent: it believes everybody. */
  denied?(): FarStorage | Promise<FarStorage>;
  /** The same where nobody listens. */
  unreachable(): FarStorage | Promise<FarStorage>;
  /** Whether the system can have a file of that name; those that it cannot are refused (E_FAR_REFUSED). Absent: all. */
  can_be_named?(path: string): boolean;
  /** How many entries a listing gives at once, where removing a folder takes listings. */
  readonly page_entries?: number;
  /** Makes an empty folder as other clients do; the answer tells whether it is still there. Absent: a folder is nothing of its own. */
  emptyFolder?(folder: string, path: string): Promise<() => Promise<boolean>>;
  /** Texts that no error may hold. */
  readonly secrets: readonly string[];
  /** Leaves something half written behind that would have become `path` below the folder. */
  halfWritten(folder: string, path: string): Promise<void>;
  close?(): Promise<void>;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What the tests of one suite share. */
export interface Suite {
  under(): StorageUnderTest;
  readonly far: FarStorage;
  /** A fresh file of this machine. */
  local(bytes: Uint8Array): { readonly file: string; readonly size_bytes: number };
  put(path: string, content: Uint8Array | string, more?: Partial<PutRequest>): Promise<PutOutcome>;
  /** Everything below the prefix, by path. */
  all(prefix?: string, far?: FarStorage): Promise<ReadonlyMap<string, FarFile>>;
  read(path: string, range?: { readonly from: number; readonly to?: number }): Promise<Buffer | undefined>;
}

/** That of tests which nobody stops. */
export const signal = new AbortController().signal;

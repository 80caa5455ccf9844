import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { CommitNote } from '../core/ports/lake.ts';

/** The actions of the Delta protocol that we write and read (PROTOCOL.md, "Actions"). Members keep the protocol's own names. */
export interface AddAction {
  /** URI, percent-encoded: relative to the table, or absolute. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: boolean;
  readonly stats?: string | null | undefined;
  readonly tags?: Readonly<Record<string, string>> | null | undefined;
  readonly deletionVector?: unknown;
}

/** Tag of an added file: the path of the file, removed by the same commit, whose place in the order it takes. Other readers know no order. */
export const IN_PLACE_OF = 'dataflow.in_place_of';

export interface RemoveAction {
  readonly path: string;
  readonly deletionTimestamp?: number;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: Readonly<Record<string, string | null>>;
  readonly size?: number;
}

export interface MetaDataAction {
  readonly id: string;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime?: number;
}

export interface ProtocolAction {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[] | null;
  readonly writerFeatures?: readonly string[] | null;
}

export interface TxnAction {
  readonly appId: string;
  readonly version: number;
  readonly lastUpdated?: number;
}

export interface CommitInfoAction {
  readonly timestamp?: number;
  readonly operation?: string;
  readonly dataflow?: CommitNote;
  /** Resolved paths of all live files in their order, when this commit brought older ones back among them. */
  readonly dataflowFileOrder?: readonly string[];
  /** SHA-256 of the whole entry, with zeros in its own place. */
  readonly dataflowSha256?: string;
  readonly [other: string]: unknown;
}

export interface Action {
  readonly add?: AddAction;
  readonly remove?: RemoveAction;
  readonly metaData?: MetaDataAction;
  readonly protocol?: ProtocolAction;
  readonly txn?: TxnAction;
  readonly commitInfo?: CommitInfoAction;
}

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string';
const whole: Check = (value) => Number.isSafeInteger(value);
const flag: Check = (value) => typeof value === 'boolean';
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const textMap: Check = (value) => isRecord(value) && Object.values(value).every((one) => one === null || text(one));
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);

/** What we rely on, by action; members that are not listed may be anything. */
const SHAPES: Readonly<Record<keyof Action, Readonly<Record<string, Check>>>> = {
  add: {
    path: text,
    partitionValues: textMap,
    size: whole,
    modificationTime: whole,
    dataChange: flag,
    stats: optional(text),
    tags: optional(textMap),
  },
  remove: {
    path: text,
    dataChange: flag,
    deletionTimestamp: optional(whole),
    partitionValues: optional(textMap),
    size: optional(whole),
  },
  metaData: {
    id: text,
    format: isRecord,
    schemaString: text,
    partitionColumns: texts,
    configuration: textMap,
    createdTime: optional(whole),
  },
  protocol: {
    minReaderVersion: whole,
    minWriterVersion: whole,
    readerFeatures: optional(texts),
    writerFeatures: optional(texts),
  },
  txn: { appId: text, version: whole, lastUpdated: optional(whole) },
  commitInfo: {
    timestamp: optional(whole),
    operation: optional(text),
    dataflow: optional(isRecord),
    dataflowFileOrder: optional(texts),
    dataflowSha256: optional(text),
  },
};

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first thing that is wrong with an action, `add.size`; undefined for a sound one. Unknown actions are sound. */
export function actionProblem(action: unknown): string | undefined {
  if (!isRecord(action)) return 'not an object';
  for (const [name, shape] of Object.entries(SHAPES)) {
    const body = action[name];
    if (body === undefined || body === null) continue;
    if (!isRecord(body)) return name;
    for (const [member, check] of Object.entries(shape)) if (!check(body[member])) return `${name}.${member}`;
  }
  return undefined;
}

/** Parses one log file. @throws DataflowError E_LAKE_CORRUPT naming file and line. Unknown actions and members do not matter. */
export function parseLog(bytes: Uint8Array, file: string): readonly Action[] {
  if (!isUtf8(bytes))
    throw new DataflowError('E_LAKE_CORRUPT', `the log entry ${file} is damaged (not UTF-8)`, { place: { file } });
  const actions: Action[] = [];
  for (const [index, line] of Buffer.from(bytes).toString('utf8').split('\n').entries()) {
    if (line.trim() === '') continue;
    let action: unknown;
    let cause: unknown;
    try {
      action = JSON.parse(line);
    } catch (error) {
      cause = error;
    }
    const problem = cause === undefined ? actionProblem(action) : 'not JSON';
    if (problem !== undefined)
      throw new DataflowError('E_LAKE_CORRUPT', `the log entry ${file} is damaged (${problem})`, {
        place: { file, line: index + 1 },
        cause,
      });
    actions.push(action as Action);
  }
  return actions;
}

/** A log entry as text; where it begins with what the commit says of itself, that ends with the hash of the entry. */
export function serialiseLog(actions: readonly Action[]): Uint8Array {
  const sealed = actions.map((action) =>
    action.commitInfo === undefined ? action : { commitInfo: { ...action.commitInfo, dataflowSha256: NO_HASH } },
  );
  const bytes = Buffer.from(`${sealed.map((action) => JSON.stringify(action)).join('\n')}\n`);
  const at = sealOf(bytes);
  if (at !== undefined) bytes.write(hashOf(bytes), at, 'latin1');
  return bytes;
}

/** What stands in the place of an entry's hash while it is computed. */
const NO_HASH = '0'.repeat(64);
const SEAL = '"dataflowSha256":"';

/** True when the entry carries a hash of itself and it does not fit. Entries of other writers carry none. */
export function isAltered(entry: Uint8Array): boolean {
  const bytes = Buffer.from(entry);
  const at = sealOf(bytes);
  if (at === undefined) return false;
  const said = bytes.toString('latin1', at, at + NO_HASH.length);
  bytes.write(NO_HASH, at, 'latin1');
  return said !== hashOf(bytes);
}

/** Where the hash begins: quotes inside of texts are escaped, so that no text of a note can be taken for it. */
function sealOf(bytes: Buffer): number | undefined {
  const at = bytes.indexOf(SEAL);
  return at < 0 ? undefined : at + SEAL.length;
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

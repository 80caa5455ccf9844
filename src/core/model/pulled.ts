import type { Position, Span } from '../ports/pulled-source.ts';
import { asArray, asInteger, asObject, asText, field } from './note-fields.ts';

/** What the commit of one batch of a pulled source says of its place in the source; part of the commit note, so that it is never apart from the rows. */
export interface PulledOutcome {
  readonly source: string;
  /** Number of the batch: each commit is one more than the one before. */
  readonly sequence: number;
  readonly position: Position;
  /** The batch replaced everything that there was. */
  readonly replaces?: true;
  /** For `snapshot` sources: a hash of all that was pulled, so that the same again commits nothing. */
  readonly content?: string;
  readonly spans: readonly Span[];
  /** Kept responses that the batch was made from. */
  readonly raw: readonly string[];
}

/** Where a pulled source stands, as the ledger keeps it. */
export interface PulledStanding extends Pick<PulledOutcome, 'source' | 'sequence' | 'position' | 'content'> {
  /** Further on, where nothing but holes lies in between; lost with the ledger without harm. */
  readonly ahead?: Position;
  /** Table version of its newest batch. */
  readonly version: number;
  readonly records: number;
  readonly committed_at: string;
}

/** What a service saw of one source in one round. */
export interface SourceLook {
  readonly source: string;
  readonly looked_at_ms: number;
  readonly pending: 'none' | 'some' | 'unknown';
  /** Records that waited, when the source knows. */
  readonly behind?: number;
  /** Age of the oldest record that waited, when the source knows. */
  readonly oldest_ms?: number;
  /** Rows that the round took, and how long it was. */
  readonly rows_taken: number;
  readonly wall_ms: number;
  readonly error?: string;
}

export function pulledFrom(value: unknown, at: string): PulledOutcome {
  const o = asObject(value, at);
  return {
    source: asText(o['source'], `${at}.source`),
    sequence: asInteger(o['sequence'], `${at}.sequence`),
    position: asObject(o['position'], `${at}.position`),
    ...(o['replaces'] === true ? { replaces: true } : {}),
    ...field(o, 'content', 'content', asText, at),
    spans: asArray(o['spans'], `${at}.spans`, spanFrom),
    raw: asArray(o['raw'], `${at}.raw`, asText),
  };
}

function spanFrom(value: unknown, at: string): Span {
  const o = asObject(value, at);
  return {
    stream: asText(o['stream'], `${at}.stream`),
    from: asInteger(o['from'], `${at}.from`),
    next: asInteger(o['next'], `${at}.next`),
    holes: asInteger(o['holes'], `${at}.holes`),
    records: asInteger(o['records'], `${at}.records`),
    ...field(o, 'rows', 'rows', asInteger, at),
    ...field(o, 'reason', 'reason', asText, at),
  };
}

/** Rows that spans stand for, as the units count them. */
export function rowsOfSpans(spans: readonly Span[]): number {
  return spans.reduce((sum, span) => sum + (span.rows ?? span.records), 0);
}

/** Unit of work of a batch: its number grows by one with each commit. */
export function batchTxn(source: string): string {
  return `pulled:${source}`;
}

/** Unit of work of a stream: the next number expected. */
export function streamTxn(source: string, stream: string): string {
  return `source:${source}:${stream}`;
}

/** Next number expected by stream, from the units of work of a table; -1 there stands for none. */
export function expectedOf(source: string, txns: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const prefix = streamTxn(source, '');
  return new Map(
    [...txns].flatMap(([app_id, version]): readonly [string, number][] =>
      app_id.startsWith(prefix) && version >= 0 ? [[app_id.slice(prefix.length), version]] : [],
    ),
  );
}

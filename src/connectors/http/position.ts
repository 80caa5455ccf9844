import { createHash } from 'node:crypto';
import type { Position } from '../../core/ports/pulled-source.ts';
import { parseDuration } from '../../kit/units.ts';
import type { HttpOptions } from './options.ts';
import { FIRST_PAGE, type PageState } from './paging.ts';

/** What is known of one item of `for_each` (or of the only one) between two pulls. */
export interface ItemState {
  /** Where the cursor stands: the highest value of the field (JSON text), or the end of the last window (ISO). */
  readonly since?: string;
  /** Records within the overlap that were taken, as digests with their values. */
  readonly seen?: readonly (readonly [digest: string, value: string])[];
  readonly etag?: string;
  readonly modified?: string;
}

/** A pass through all items that has not come to its end. */
export interface PassState {
  /** When it began: marks what belongs to it. */
  readonly started: string;
  /** Digest of what is asked for: under other options nobody can go on from here. */
  readonly asks: string;
  /** Key of the item that is being read. */
  readonly item: string;
  readonly page: PageState;
  /** The first total that the sequence was told. */
  readonly total?: number;
  /** Records of the sequence that earlier pages had. */
  readonly known: number;
  readonly tail: readonly string[];
  /** Highest value of the cursor's field so far, and the records within the overlap below it. */
  readonly high?: string;
  readonly seen?: readonly (readonly [digest: string, value: string])[];
}

/** The position of an HTTP source. */
export interface HttpPosition {
  readonly version: 1;
  /** Passes completed: two polls that bring the same bytes are two units of input. */
  readonly polls: number;
  readonly items: Readonly<Record<string, ItemState>>;
  /** Digest of what was asked for: what an API calls unchanged counts for the same question, read the same way. */
  readonly asks?: string;
  /** With `every`: when the last pass began. */
  readonly asked?: string;
  readonly pass?: PassState;
  /** Kept responses that were taken again, while that goes on. */
  readonly replayed?: number;
}

export function readPosition(position: Position | undefined): HttpPosition {
  if (position === undefined || position['version'] !== 1) return { version: 1, polls: 0, items: {} };
  return position as unknown as HttpPosition;
}

export function writePosition(position: HttpPosition): Position {
  return position as unknown as Position;
}

/** True while `every` says to leave the source alone. */
export function isTooSoon({ every }: HttpOptions, { pass, asked }: HttpPosition, now_ms: number): boolean {
  if (every === undefined || pass !== undefined || asked === undefined) return false;
  const since_ms = now_ms - Date.parse(asked);
  return since_ms >= 0 && since_ms < (parseDuration(every) ?? 0);
}

/** A pass may go on for so long after it was begun; what is older belongs to another state of the source. */
const PASS_MS_MAX = 86_400_000;

/** Stands for everything that decides what is asked and how pages follow each other. */
export function asksOf(options: HttpOptions): string {
  const { url, method, query, headers, body, format, delimiter, records, columnar, add, for_each } = options;
  const { pages, cursor, key } = options;
  const question = [url, method, query, headers, body, for_each, pages, cursor];
  const asked = [...question, format, delimiter, records, columnar, add, key];
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 12);
}

/** The position under these options. A pass under others is given up, its pages mean something else; and so do its validators. */
export function underOptions(position: HttpPosition, asks: string): HttpPosition {
  const { pass, ...rest } = position;
  const same = pass === undefined || pass.asks !== asks ? rest : position;
  if (position.asks === asks) return same;
  const items = Object.entries(position.items).flatMap(([key, { etag: _, modified: __, ...item }]) =>
    Object.keys(item).length === 0 ? [] : [[key, item] as const],
  );
  return { ...same, asks, items: Object.fromEntries(items) };
}

/** Whether a pass that was interrupted may go on. */
export function mayGoOn(options: HttpOptions, { pass }: HttpPosition, now_ms: number): boolean {
  if (pass === undefined || pass.asks !== asksOf(options)) return false;
  return Math.abs(now_ms - Date.parse(pass.started)) <= PASS_MS_MAX;
}

export function newPass(started: string, asks: string, item: string): PassState {
  return { started, asks, item, page: FIRST_PAGE, known: 0, tail: [] };
}

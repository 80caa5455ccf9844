import { rm } from 'node:fs/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { UnitLayout } from '../../core/ports/pulled-source.ts';
import { JsonFault } from '../../kit/json-fault.ts';
import { isBeside, JsonPieces } from '../../kit/json-pieces.ts';
import type { Item } from './ask.ts';
import type { BodyFile } from './body.ts';
import { csvBounds, csvLayout } from './csv-page.ts';
import { badBody } from './errors.ts';
import type { Answer } from './exchange.ts';
import { FileWindow, refuseOther } from './file-window.ts';
import type { HttpOptions } from './options.ts';
import {
  additionOf,
  type Cut,
  flatten,
  lineRecords,
  NDJSON,
  NOTHING,
  objectsOnly,
  type Page,
  pathsOf,
  readPage,
  refuseHtml,
} from './page.ts';

const LF = 0x0a;
/** Strays are told one by one. */
const STRAYS_MAX = 100_000;

/**
 * Whether a response may be taken part by part: it is all the answer there is, so its records are held against no other page, and nothing of it has to be
 * known as a whole.
 */
export function mayComeInParts(options: HttpOptions): boolean {
  if (options.pages !== undefined || options.cursor?.field !== undefined || options.columnar) return false;
  if (options.format !== 'json') return true;
  const [records, ...values] = pathsOf(options);
  return records !== undefined && added(options, values).every((path) => isBeside(path, records));
}

/** The paths among the additions; the others before them are those of `pages`. */
function added<T>(options: HttpOptions, values: readonly T[]): readonly T[] {
  const count = Object.values(options.add).filter((text) => text.startsWith('$')).length;
  return values.slice(values.length - count);
}

/** Takes an answer apart, wherever its body lies. @throws AttemptFailed when the body is not what it should be */
export async function pageOf(options: HttpOptions, item: Item, answer: Answer, signal: AbortSignal): Promise<Page> {
  const { file } = answer;
  if (file === undefined) return readPage(options, item, answer);
  return readLargePage(options, item, { ...answer, file }, signal);
}

/**
 * Reads a response that lies in a file from its beginning to its end, and says what is in it; its records come when they are asked for. The file is removed
 * with the last of them, and when the response cannot be used.
 * @throws AttemptFailed when the body is not what it should be, as for one that is held in memory
 */
async function readLargePage(
  options: HttpOptions,
  item: Item,
  answer: Pick<Answer, 'headers' | 'body'> & { readonly file: BodyFile },
  signal: AbortSignal,
): Promise<Page> {
  const { file } = answer;
  try {
    refuseHtml(answer, options.format);
    return await outlined(options, item, file, signal);
  } catch (error) {
    await rm(file.path, { force: true });
    if (!(error instanceof JsonFault)) throw error;
    throw badBody(`its JSON is damaged: ${error.message} (byte ${error.offset} of ${file.size_bytes})`, error);
  }
}

async function outlined(options: HttpOptions, item: Item, { path }: BodyFile, signal: AbortSignal): Promise<Page> {
  const reading = readingOf(options);
  let [records, strays] = [0, 0];
  let round = 0;
  for await (const cut of cutsOf(path, reading, signal)) {
    if (reading.round !== round) [records, strays, round] = [0, 0, reading.round];
    records += cut.records.length / 2;
    strays += cut.unreadable.length;
    if (strays > STRAYS_MAX)
      throw badBody(`more than ${STRAYS_MAX.toLocaleString('en')} of its entries are no records`);
  }
  const addition = additionOf(options, item, reading.values());
  const outline: Page = { ...NOTHING, layout: reading.layout, bytes: Buffer.alloc(0), records: [], addition };
  const parts = async function* (): AsyncGenerator<Page, void, void> {
    const again = readingOf(options);
    try {
      for await (const cut of cutsOf(path, again, signal)) {
        if (again.round !== round || cut.records.length + cut.unreadable.length === 0) continue;
        const part = { ...outline, ...cut };
        flatten(part);
        yield part;
      }
    } finally {
      await rm(path, { force: true });
    }
  };
  return { ...outline, large: { records, strays, parts } };
}

/** How a body is taken apart while it passes. */
interface Reading {
  readonly layout: UnitLayout;
  /** Records of an earlier round do not count: they were replaced. */
  readonly round: number;
  /** @returns what is whole in these bytes, and how many of them are done with */
  take(bytes: Buffer, last: boolean): Cut & { readonly used: number };
  /** Raw values of the paths among the additions, once all is read. */
  values(): readonly (string | undefined)[];
}

function readingOf(options: HttpOptions): Reading {
  if (options.format === 'csv') return csvReading(options.delimiter);
  return options.format === 'ndjson' ? lineReading() : documentReading(options);
}

/** The file in cuts; the bytes of one are good until the next is asked for. */
async function* cutsOf(path: string, reading: Reading, signal: AbortSignal): AsyncGenerator<Cut, void, void> {
  const window = await FileWindow.open(path);
  try {
    let used = 0;
    do {
      if (signal.aborted) throw new DataflowError('E_INTERRUPTED', 'the run was interrupted', { cause: signal.reason });
      await window.next(used);
      const cut = reading.take(window.bytes, window.last);
      used = cut.used;
      yield cut;
    } while (!window.last);
  } finally {
    await window.close();
  }
}

function lineReading(): Reading {
  return {
    layout: NDJSON,
    round: 0,
    values: () => [],
    take: (bytes, last) => {
      const used = last ? bytes.length : bytes.lastIndexOf(LF) + 1;
      const whole = bytes.subarray(0, used);
      refuseOther(whole);
      return { ...lineRecords(whole), used };
    },
  };
}

function csvReading(delimiter: string): Reading {
  let layout: UnitLayout | undefined;
  return {
    get layout() {
      return layout ?? csvLayout(Buffer.alloc(0), [], delimiter);
    },
    round: 0,
    values: () => [],
    take: (bytes, last) => {
      const { bounds, used } = csvBounds(bytes, layout === undefined, last);
      refuseOther(bytes.subarray(0, used));
      const is_first = layout === undefined && bounds.length > 0;
      if (is_first) layout = csvLayout(bytes, bounds, delimiter);
      return { bytes: bytes.subarray(0, used), records: is_first ? bounds.slice(2) : bounds, unreadable: [], used };
    },
  };
}

function documentReading(options: HttpOptions): Reading {
  const [place = { text: '$', steps: [] }, ...values] = pathsOf(options);
  const document = new JsonPieces(place, added(options, values));
  return {
    layout: NDJSON,
    get round() {
      return document.rounds;
    },
    values: () => document.texts(),
    take: (bytes, last) => {
      const used = document.run(bytes, last);
      refuseOther(bytes.subarray(0, used));
      const { elements, kind } = document;
      if (last && kind === undefined) throw badBody(`there is nothing at ${options.records}`);
      if (last && kind === 'other') throw badBody(`${options.records} is neither an array nor an object`);
      // Without what stands behind the last one: that is looked at once more.
      return { ...objectsOnly(bytes.subarray(0, elements.at(-1) ?? 0), elements), used };
    },
  };
}

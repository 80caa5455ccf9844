/**
 * Where the records of a file begin, when their lines do not follow from their numbers: `4:100x1,1x3,40x1` says that the first record begins
 * on line 4, that 100 records take one line each, the next one three, the last 40 one each. Blank lines count as lines of the record before them.
 */
export interface LineRun {
  /** Number of its first record, from 0. */
  readonly record: number;
  /** Line on which that one begins. */
  readonly line: number;
  readonly records: number;
  /** Lines from the beginning of a record to that of the next. */
  readonly lines: number;
}

/** With more runs than this the text would be long for what it is worth: such a file has no lines. */
const RUNS_MAX = 10_000;

/** Notes where records begin while a file is read; costs nothing to speak of where each takes one line. */
export class RecordLines {
  readonly #runs: { records: number; lines: number }[] = [];
  #first = 0;
  #last = -1;
  #next = 0;
  /** Records that are no data: the header. */
  #skip: number;

  constructor(skip = 0) {
    this.#skip = skip;
  }

  /** `records` of them begin on `line` and the lines after it; the line after the last of them is `next`. */
  add(line: number, records: number, next = line + records): void {
    const skipped = Math.min(this.#skip, records);
    this.#skip -= skipped;
    const [begin, count] = [line + skipped, records - skipped];
    if (count === 0) return;
    if (this.#last < 0) this.#first = begin;
    else this.#push(begin - this.#last, 1);
    if (count > 1) this.#push(1, count - 1);
    this.#last = begin + count - 1;
    this.#next = next;
  }

  #push(lines: number, records: number): void {
    const run = this.#runs.at(-1);
    if (run?.lines === lines) run.records += records;
    else if (this.#runs.length <= RUNS_MAX) this.#runs.push({ records, lines });
  }

  /** Undefined when there is no record, or when there are too many runs. */
  text(): string | undefined {
    if (this.#last < 0) return undefined;
    this.#push(this.#next - this.#last, 1);
    if (this.#runs.length > RUNS_MAX) return undefined;
    return `${this.#first}:${this.#runs.map(({ records, lines }) => `${records}x${lines}`).join(',')}`;
  }
}

/** Reads such a text; empty when it is none. */
export function lineRuns(text: string): readonly LineRun[] {
  const [, first = '', rest = ''] = /^(\d+):([\dx,]+)$/.exec(text) ?? [];
  const runs: LineRun[] = [];
  let record = 0;
  let line = Number(first);
  for (const [, records = '', lines = ''] of rest.matchAll(/(\d+)x(\d+)/g)) {
    const run = { record, line, records: Number(records), lines: Number(lines) };
    runs.push(run);
    record += run.records;
    line += run.records * run.lines;
  }
  return runs;
}

/** Where the records of a unit begin; empty where that is not known. */
export function linesOf(unit: {
  readonly first_record_line: number;
  readonly multiline_records: boolean;
  readonly record_lines?: string;
  readonly records: number;
}): readonly LineRun[] {
  if (unit.record_lines !== undefined) return lineRuns(unit.record_lines);
  if (unit.multiline_records) return [];
  return [{ record: 0, line: unit.first_record_line, records: unit.records, lines: 1 }];
}

/** The line on which the record begins that a line belongs to; undefined before the first record and behind the last. */
export function recordBegin(runs: readonly LineRun[], line: number): number | undefined {
  const run = runs.findLast((one) => one.line <= line);
  if (run === undefined || line >= run.line + run.records * run.lines) return undefined;
  return run.line + Math.floor((line - run.line) / run.lines) * run.lines;
}

import { batchTxn, expectedOf, type PulledOutcome, rowsOfSpans, streamTxn } from '../../../core/model/pulled.ts';
import { outcomeFrom } from '../../../core/model/step-note.ts';
import { tableKey } from '../../../core/model/table.ts';
import type { LoggedVersion, LogReport } from '../../../core/ports/lake-care.ts';
import { damage, entryOf, type Finding, refreshCommand } from './finding.ts';

/** A version of a pulled table, as its commit tells of it. */
interface Batch {
  readonly version: number;
  readonly pulled: PulledOutcome;
  /** Records of its units, unreadable ones included; undefined when the note does not say. */
  readonly records: number | undefined;
}

/**
 * Proves from the log alone that no record of a source that is asked is missing or doubled: batches are numbered without gap, each stream goes on where
 * the batch before it ended, numbers are records or declared holes, and the units hold as many records as the spans.
 */
export function spanFindings(report: LogReport): readonly Finding[] {
  return new Walk(report).findings;
}

class Walk {
  readonly findings: Finding[] = [];
  readonly #report: LogReport;
  /** Next number by stream after each version. */
  readonly #after = new Map<number, ReadonlyMap<string, number>>();
  #next: ReadonlyMap<string, number> = new Map();
  /** Where a redo may go on instead: as it was at the version that an undo brought back. */
  #back: ReadonlyMap<string, number> | undefined;
  #sequence: number | undefined;
  #whole: boolean;

  constructor(report: LogReport) {
    this.#report = report;
    this.#whole = report.versions[0]?.version === 0;
    for (const logged of report.versions) this.#pass(logged);
  }

  /** Next number by stream after the last batch. */
  get next(): ReadonlyMap<string, number> {
    return this.#next;
  }

  /** Every stream that the table knows of was seen: no earlier commits are missing. */
  get whole(): boolean {
    return this.#whole;
  }

  #pass(logged: LoggedVersion): void {
    const restored = (logged.note?.['undo'] as { readonly restored_version?: number } | undefined)?.restored_version;
    if (restored !== undefined) this.#back = this.#after.get(restored) ?? new Map();
    const batch = batchOf(logged);
    if (batch !== undefined) this.#batch(batch);
    this.#after.set(logged.version, this.#next);
  }

  #batch({ version, pulled, records }: Batch): void {
    const { sequence, spans } = pulled;
    if (this.#sequence !== undefined && sequence !== this.#sequence + 1)
      this.#say(
        version,
        `${this.#table} goes from batch ${this.#sequence} to ${sequence}`,
        `batch ${this.#sequence + 1}`,
        `batch ${sequence}`,
      );
    this.#sequence = sequence;
    if (pulled.replaces === true) {
      this.#next = new Map();
      this.#whole = true;
    }
    const redone =
      this.#back !== undefined &&
      spans.some(({ stream, from }) => this.#next.has(stream) && from !== this.#next.get(stream));
    const next = new Map(redone ? this.#back : this.#next);
    for (const span of spans) {
      const from = next.get(span.stream) ?? span.from;
      if (span.from !== from)
        this.#say(
          version,
          `${span.stream}: ${span.from > from ? `${span.from - from} numbers are missing` : `${from - span.from} numbers are there twice`} in ${this.#table}`,
          `goes on at ${from}`,
          `goes on at ${span.from}`,
        );
      if (span.next - span.from !== span.records + span.holes)
        this.#say(
          version,
          `${span.stream} ${span.from}..${span.next} does not add up`,
          `${span.next - span.from} numbers`,
          `${span.records} records, ${span.holes} holes`,
        );
      next.set(span.stream, span.next);
    }
    const spanned = rowsOfSpans(spans);
    if (spans.length > 0 && records !== undefined && records !== spanned)
      this.#say(
        version,
        `version ${version} of ${this.#table} holds another number of records than its spans`,
        `${spanned} records`,
        `${records} records`,
      );
    if (spans.length > 0) this.#back = undefined;
    this.#next = next;
  }

  get #table(): string {
    return tableKey(this.#report.table);
  }

  #say(version: number, message: string, expected: string, actual: string): void {
    this.findings.push(
      damage('input', message, {
        table: this.#table,
        path: entryOf(this.#report, version),
        versions: String(version),
        expected,
        actual,
        remedy: `${refreshCommand(this.#table)} takes all that its source has again.`,
      }),
    );
  }
}

function batchOf({ version, note, committed_at_ms }: LoggedVersion): Batch | undefined {
  if (note?.['pulled'] === undefined) return undefined;
  try {
    const { pulled, inputs } = outcomeFrom(note, version, committed_at_ms);
    if (pulled === undefined) return undefined;
    return { version, pulled, records: inputs?.reduce((sum, input) => sum + input.records, 0) };
  } catch {
    return undefined; // a damaged note is told of where the log is held against the ledger
  }
}

/** The table says itself how far it is: its units of work against the newest batch. */
export function standingFindings(report: LogReport): readonly Finding[] {
  const source = report.table.name;
  const last = report.versions.flatMap((logged) => batchOf(logged) ?? []).at(-1);
  if (last === undefined) return [];
  const table = tableKey(report.table);
  const walk = new Walk(report);
  // A number that no batch accounts for would skip what comes below it.
  const left = walk.whole ? [...expectedOf(source, report.txns).keys()].filter((one) => !walk.next.has(one)) : [];
  const wanted: readonly (readonly [string, number])[] = [
    [batchTxn(source), last.pulled.sequence],
    ...[...walk.next].map(([stream, next]) => [streamTxn(source, stream), next] as const),
    ...left.map((stream) => [streamTxn(source, stream), -1] as const),
  ];
  return wanted
    .filter(([app_id, version]) => report.txns.get(app_id) !== version)
    .map(([app_id, version]) =>
      damage('input', `${table} does not stand where its newest batch says`, {
        table,
        expected: `${app_id} ${version < 0 ? 'nothing' : version}`,
        actual: `${app_id} ${report.txns.get(app_id) ?? 'nothing'}`,
        remedy: `Restore the log from a backup, or take all that its source has again: ${refreshCommand(table)}`,
      }),
    );
}

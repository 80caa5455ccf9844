import { escapeControls, linesOnTerminal } from '../kit/terminal-text.ts';
import { type Bar, barChart } from './chart.ts';
import { csvRecord } from './csv.ts';
import type { LineLog } from './json-log.ts';
import { isLogged, type LogLevel } from './log-options.ts';
import type { Sink } from './sink.ts';
import { plainStyle, type Style } from './style.ts';
import { asColumn, layoutRecords, layoutTable, type PrintData, type TableLayout, toJson } from './table.ts';

export const FORMATS = ['table', 'json', 'ndjson', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

/** One part of an answer. */
export interface Section extends PrintData {
  /** Heading above the table. */
  readonly title?: string;
  /** Lines below the table, for people. */
  readonly footer?: readonly string[];
  /** The line that people read instead of a table without rows. */
  readonly when_empty?: string;
}

/**
 * A whole answer. `--format table` shows every section; `json` prints `document` (else the rows of the main section); `ndjson` and
 * `csv` print the rows of the main section, which is the first one.
 */
export interface Report {
  readonly document?: unknown;
  readonly sections: readonly Section[];
}

export interface PrinterOptions {
  readonly format: Format;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Cells in a line. */
  readonly width: number;
  readonly style?: Style;
  readonly error_style?: Style;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** Draw with ASCII only (TERM=dumb, a locale without UTF-8). */
  readonly ascii?: boolean;
  /** Neutralise CSV cells that a spreadsheet would run. */
  readonly formula_safe?: boolean;
  /** Which lines stderr gets; by `quiet` and `verbose` without it. */
  readonly level?: LogLevel | undefined;
  /** Takes the lines for stderr instead, as JSON. */
  readonly log?: LineLog | undefined;
  /** Masks secrets; applied to everything that is printed. */
  readonly redact?: (text: string) => string;
}

/** Rows from which the widths of a streamed table are measured. */
const MEASURED_ROWS = 1000;

/** Prints data on stdout and everything else on stderr. After the reader of stdout has gone, data goes nowhere and no error is raised. */
export class Printer {
  readonly format: Format;
  readonly width: number;
  readonly ascii: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Colours for stdout; each is the identity when colours are off. */
  readonly style: Style;
  /** Lines at the end of the terminal that what is printed is to come above of; they are drawn again by their owner. */
  above: { hide(): void } | undefined;
  readonly #options: PrinterOptions;
  readonly #level: LogLevel;
  /** Lines of the current call; they leave together. */
  #lines: string[] = [];

  constructor(options: PrinterOptions) {
    this.#options = options;
    this.format = options.format;
    this.width = options.width;
    this.ascii = options.ascii ?? false;
    this.quiet = options.quiet ?? false;
    this.verbose = options.verbose ?? false;
    this.style = options.style ?? plainStyle;
    this.#level = options.level ?? (this.verbose ? 'debug' : this.quiet ? 'warn' : 'info');
  }

  /** Whether stderr is a log for programs: it gets {@link entry}, and nothing is drawn there. */
  get logs(): boolean {
    return this.#options.log !== undefined;
  }

  /** The run that lines are about from here on; null: about none. */
  set run_id(run_id: string | null) {
    if (this.#options.log !== undefined) this.#options.log.run_id = run_id;
  }

  /** True once the reader of stdout has gone (`| head`): a command that only produces data may stop. */
  get closed(): boolean {
    return this.#options.stdout.closed;
  }

  /** Whether people read what is printed as it comes. */
  get on_terminal(): boolean {
    return this.#options.stdout.is_tty;
  }

  /** One table of data: the whole answer. */
  table(data: Section): void {
    this.report({ sections: [data] });
  }

  report(report: Report): void {
    const main = report.sections[0];
    if (this.format === 'json') this.#out(toJson(report.document ?? rowsOf(main), 2));
    else if (this.format === 'table') this.#sections(report.sections);
    else if (main !== undefined) this.#plainRows(main, true);
    this.#flush();
  }

  /** One JSON object a line, as it comes: with `ndjson` only. */
  event(line: unknown): void {
    if (this.format !== 'ndjson') return;
    this.#out(toJson(line));
    this.#flush();
  }

  /** A line for people, part of the answer: on stdout with `--format table`, left out otherwise. Markup by `style` is kept. */
  text(line: string): void {
    if (this.format !== 'table') return;
    this.#out(line);
    this.#flush();
  }

  /** A small bar chart, with `--format table` only. */
  chart(bars: readonly Bar[]): void {
    for (const line of barChart(bars, this.width, this.ascii)) this.text(line);
  }

  /** Raw text that is the answer in any format: help, a completion script, a file's content. */
  raw(text: string): void {
    this.#out(text.endsWith('\n') ? text.slice(0, -1) : text);
    this.#flush();
  }

  /**
   * An answer of any size, written as it comes. JSON is one array. Stops early, closing the source, when the reader has gone.
   * Returns how many rows were written.
   */
  async stream(batches: AsyncIterable<PrintData>): Promise<number> {
    let rows = 0;
    if (this.format === 'json') this.#out('[');
    const writeBatch = this.#batchWriter();
    for await (const batch of batches) {
      writeBatch(batch, rows);
      rows += batch.rows.length;
      this.#flush();
      if (this.closed) break;
      await this.#options.stdout.drained();
    }
    if (this.format === 'json') this.#out(']');
    this.#flush();
    return rows;
  }

  /** How one batch of a stream is written, given the number of rows before it. The first batch settles the head. */
  #batchWriter(): (batch: PrintData, rows_before: number) => void {
    let layout: TableLayout | undefined;
    let first = true;
    return (batch, rows_before) => {
      if (this.format === 'json') {
        for (const [i, row] of batch.rows.entries()) this.#out(`${rows_before + i > 0 ? ',' : ' '}${toJson(row)}`);
      } else if (this.format === 'table') {
        layout ??= this.#streamed(batch);
        for (const line of layout.lines(batch.rows)) this.#out(line);
      } else this.#plainRows(batch, first);
      first = false;
    };
  }

  #streamed(batch: PrintData): TableLayout {
    const table = layoutTable({ ...batch, rows: batch.rows.slice(0, MEASURED_ROWS) }, this.width);
    return table.too_wide && batch.rows.length > 0 ? layoutRecords(batch, this.width) : this.#head(table);
  }

  /** Something to know, on stderr; silent with `--quiet`. */
  note(line: string): void {
    this.#say('info', line);
  }

  /** Only with `--verbose`. */
  detail(line: string): void {
    this.#say('debug', line);
  }

  warn(line: string): void {
    const { yellow } = this.#options.error_style ?? plainStyle;
    if (this.logs) this.entry('warn', line);
    else this.#say('warn', `warning ${escapeControls(line)}`, (first) => first.replace('warning', yellow('warning')));
  }

  /** Something on stderr, whatever the flags; a terminal gets lines that fit, a file or a pipe the whole line. */
  error(line: string): void {
    this.#say('error', line);
  }

  /** A line of the log with more than its text, where stderr is one. */
  entry(level: Exclude<LogLevel, 'silent'>, text: string, fields: object = {}): void {
    const more = Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? this.#masked(value) : value,
    ]);
    this.#options.log?.line(level, this.#masked(text), Object.fromEntries(more));
  }

  /** `mark` adds markup to the first line. */
  #say(level: Exclude<LogLevel, 'silent'>, line: string, mark = (first: string) => first): void {
    if (this.logs) this.entry(level, line);
    if (this.logs || !isLogged(level, this.#level)) return;
    const { stderr } = this.#options;
    const [first = '', ...more] = linesOnTerminal(this.#masked(line), stderr);
    this.above?.hide();
    stderr.write(`${[mark(first), ...more].join('\n')}\n`);
  }

  #sections(sections: readonly Section[]): void {
    for (const [i, section] of sections.entries()) {
      if (i > 0) this.#out('');
      if (section.title !== undefined) this.#out(this.style.bold(escapeControls(section.title)));
      if (section.rows.length === 0 && section.when_empty !== undefined) {
        this.#out(section.when_empty);
        continue;
      }
      const layout = this.#head(layoutTable(section, this.width));
      for (const line of layout.lines(section.rows)) this.#out(line);
      for (const line of section.footer ?? []) this.#out(line);
    }
  }

  #head(layout: TableLayout): TableLayout {
    const [titles, rule] = layout.head();
    this.#out(this.style.bold(titles ?? ''));
    this.#out(this.style.dim(rule ?? ''));
    return layout;
  }

  #plainRows(data: PrintData, with_header: boolean): void {
    const names = data.columns.map((column) => asColumn(column).name);
    if (this.format === 'ndjson') {
      for (const row of data.rows) this.#out(toJson(pick(row, names)));
      return;
    }
    const safe = this.#options.formula_safe ?? false;
    if (with_header) this.#out(csvRecord(names, safe));
    for (const row of data.rows) {
      const values = names.map((name) => row[name]);
      this.#out(csvRecord(values, safe));
    }
  }

  #out(line: string): void {
    this.#lines.push(line);
  }

  #flush(): void {
    const text = this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
    this.#lines = [];
    if (text === '' || this.closed) return;
    if (this.on_terminal) this.above?.hide();
    this.#options.stdout.write(this.#masked(text));
  }

  #masked(line: string): string {
    return this.#options.redact === undefined ? line : this.#options.redact(line);
  }
}

function rowsOf(section: Section | undefined): unknown {
  if (section === undefined) return [];
  const names = section.columns.map((column) => asColumn(column).name);
  return section.rows.map((row) => pick(row, names));
}

/** The printed columns of a row, absent ones as null, so that every record has the same members. */
function pick(row: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}

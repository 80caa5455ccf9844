import type { NowStory, WhyReport } from '../../app/explain/explain.ts';
import type { StepStory, StoryCause } from '../../app/explain/step-story.ts';
import { standingWords } from '../../core/planning/parity-standing.ts';
import { cellWidth, escapeControls } from '../../kit/terminal-text.ts';
import type { Printer } from '../printer.ts';
import { countText } from './sizes.ts';

const STEP = '  ';
/** A blank at which no line is broken: a date and its time stay together. */
const GLUE = '\u00a0';

/** Prints what `why` found, for people: indented from the answer down to the files it goes back to. */
export class WhyPrinter {
  readonly #printer: Printer;
  readonly #with_diff: boolean;

  constructor(printer: Printer, with_diff: boolean) {
    this.#printer = printer;
    this.#with_diff = with_diff;
  }

  print(report: WhyReport): void {
    if (report.about === 'run') this.#run(report);
    else if (report.about === 'step') this.#story(report.story);
    else this.#table(report);
  }

  #table({ step, last, built, now, parity = [] }: Extract<WhyReport, { about: 'table' }>): void {
    if (last === null) this.#line(`${step}: no run has touched it yet`, '');
    else this.#story(last);
    if (built !== null) this.#story(built, 'published is ');
    if (now === null) this.#line('now: the project has no such table any more', '');
    else this.#now(now, last?.status === 'failed' ? last.causes : []);
    for (const one of parity) this.#line(standingWords(one), '');
  }

  #run({ run, steps }: Extract<WhyReport, { about: 'run' }>): void {
    this.#line(`run ${run.run_id}: ${run.status}, ${timeOf(run.started_at)}`, '');
    this.#line(`command: ${run.command}`, STEP);
    if (run.error !== undefined) this.#line(`${run.error.code}: ${run.error.message}`, STEP);
    for (const story of steps.filter((one) => !isTold(one, steps))) {
      this.#line(`${story.step}: ${outcomeOf(story)}`, STEP);
      if (story.status === 'failed') this.#failure(story, STEP.repeat(2));
      else this.#line(story.reason, STEP.repeat(2));
    }
    const failed = steps.filter((story) => story.status === 'failed');
    if (failed.length === 0 && run.error?.hint !== undefined) this.#line(`next: ${run.error.hint}`, '');
    else if (failed.length > 0 || run.status === 'interrupted')
      this.#line(`next: dataflow retry${failed.length > 0 ? `, or dataflow why ${failed[0]?.step}` : ''}`, '');
    else if (steps.length > 0) this.#line(`more about one table: dataflow why ${steps.at(-1)?.step}`, '');
  }

  #story(story: StepStory, lead = ''): void {
    this.#line(`${lead}${story.step}: ${outcomeOf(story)} in run ${story.run_id}, ${timeOf(story.started_at)}`, '');
    if (story.status === 'failed') {
      this.#failure(story, STEP);
      this.#line('it ran because', STEP, story.causes.length > 0);
      this.#causes(story.causes, STEP.repeat(2));
    } else {
      const verb = story.status === 'succeeded' ? 'because ' : '';
      this.#line(`${verb}${story.reason}`, STEP);
      this.#causes(story.causes, STEP.repeat(2));
    }
    if (story.status !== 'failed') {
      for (const test of story.failed_tests) this.#line(`warning: ${test.test}: ${test.message}`, STEP);
    }
    for (const { lookup, told } of story.lookups) this.#line(`lookup ${lookup}: ${told}`, STEP);
    if (story.clock_read !== null)
      this.#line(`clock: its SQL reads ${story.clock_read}; computed again when it is run on another day (UTC)`, STEP);
    for (const { rule, rows } of story.clock_rules) {
      this.#line(
        `clock: ${rows} ${rows === 1 ? 'row is' : 'rows are'} in quarantine for rule ${rule}, which compares with the time of the run; tried again each time it runs`,
        STEP,
      );
    }
    if (story.because_of !== null) this.#story(story.because_of);
  }

  #failure(story: StepStory, indent: string): void {
    for (const test of story.failed_tests) {
      this.#line(`test ${test.test}${test.severity === 'warn' ? ' (warning)' : ''}: ${test.message}`, indent);
      if (test.clock) this.#line('it compares with the clock: time alone can make it fail or pass', indent + STEP);
    }
    const { error } = story;
    if (error === null || error === undefined) return;
    if (story.failed_tests.length === 0) this.#line(`${error.code}: ${error.message}`, indent);
    const kept = story.kept_version === null ? 'nothing was published' : `version ${story.kept_version} stays as it is`;
    this.#line(`kept: ${kept}`, indent);
    if (error.hint !== undefined) this.#line(`next: ${error.hint}`, indent);
  }

  #causes(causes: readonly StoryCause[], indent: string): void {
    for (const cause of causes) {
      if (cause.kind === 'input') this.#input(cause, indent);
      else if (cause.kind === 'new_files') this.#files(cause, indent);
      else if (cause.kind === 'definition') this.#definition(cause, indent);
    }
  }

  #input(cause: Extract<StoryCause, { kind: 'input' }>, indent: string): void {
    this.#line(`${cause.table} ${cause.from} → ${cause.to}: ${movedWords(cause.moved)}`, indent);
    for (const publish of cause.publishes) {
      this.#line(`version ${publish.version} by run ${publish.run_id}: ${publish.reason}`, indent + STEP);
      this.#causes(publish.causes, indent + STEP + STEP);
    }
  }

  #files({ files, count }: Extract<StoryCause, { kind: 'new_files' }>, indent: string): void {
    for (const file of files) {
      const rejected = file.rejected > 0 ? `, ${file.rejected} rejected` : '';
      const status = file.status === 'loaded' ? '' : ` (${file.status})`;
      this.#line(`${file.path}${status}: ${countText(file.records, 'record')}${rejected}`, indent);
    }
    if (count > files.length) this.#line(`and ${countText(count - files.length, 'more file')}`, indent);
  }

  #definition({ changes }: Extract<StoryCause, { kind: 'definition' }>, indent: string): void {
    if (changes === undefined) this.#line('the older definition is not known: it was not kept', indent);
    if (changes?.length === 0) this.#line('a value that is kept secret changed', indent);
    for (const { part, change, diff } of this.#with_diff ? (changes ?? []) : []) {
      this.#line(`${part} ${change}:`, indent);
      for (const line of diff) this.#diffLine(line, indent + STEP);
    }
  }

  #diffLine(line: string, indent: string): void {
    const { style } = this.#printer;
    const paint = line.startsWith('+') ? style.green : line.startsWith('-') ? style.red : style.dim;
    // Code is not wrapped: it should paste as it is.
    this.#printer.text(indent + paint(escapeControls(line)));
  }

  /** What was told of the last attempt already is not told again. */
  #now(now: NowStory, told: readonly StoryCause[]): void {
    const words: Readonly<Record<NowStory['action'], string>> = {
      run: `would run (${now.mode}): `,
      depends: 'would run ',
      skip: '',
      wait: '',
    };
    this.#line(`now: ${words[now.action]}${now.reason}`, '');
    const again = now.causes.filter((cause) => !told.some((one) => JSON.stringify(one) === JSON.stringify(cause)));
    this.#causes(again, STEP);
    for (const step of now.upstream) this.#line(`${step.step} would run: ${step.reason}`, STEP);
  }

  /** A line, wrapped at blanks to the width of the terminal; what follows the first line is indented once more. */
  #line(text: string, indent: string, wanted = true): void {
    if (!wanted) return;
    let line = indent;
    let empty = true;
    const print = (): void => this.#printer.text(line.replaceAll(GLUE, ' '));
    for (const word of escapeControls(text).split(' ')) {
      if (!empty && cellWidth(line) + 1 + cellWidth(word) > this.#printer.width) {
        print();
        line = indent + STEP + word;
      } else {
        line += empty ? word : ` ${word}`;
      }
      empty = false;
    }
    print();
  }
}

/** A replay closes the entries of a table first; what its files bring then is a publish of its own, whose reason says both. */
function isTold(story: StepStory, steps: readonly StepStory[]): boolean {
  return steps.some(
    ({ step, status, reason }) =>
      step === story.step && status === 'succeeded' && reason.startsWith(`${story.reason}; `),
  );
}

function movedWords(moved: Extract<StoryCause, { kind: 'input' }>['moved']): string {
  if (moved === undefined) return 'what moved is no longer in its log';
  const part = (sign: string, rows: number, files: number): string =>
    `${sign}${rows} ${rows === 1 ? 'row' : 'rows'} in ${files} ${files === 1 ? 'file' : 'files'}`;
  const came = part('+', moved.rows_added, moved.files_added);
  if (moved.files_removed === 0) return came;
  const net = moved.rows_added - moved.rows_removed;
  return `net ${net < 0 ? '' : '+'}${net} (${came}, ${part('-', moved.rows_removed, moved.files_removed)})`;
}

function outcomeOf(story: StepStory): string {
  const { status, version } = story;
  if (status === 'succeeded')
    return version === null ? 'succeeded' : `version ${version}${story.mode === null ? '' : ` (${story.mode})`}`;
  if (status === 'up_to_date') return 'up to date';
  return status;
}

function timeOf(iso: string): string {
  return `${iso.slice(0, 16).replace('T', GLUE)}${GLUE}UTC`;
}

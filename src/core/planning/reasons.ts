import { lineDiff } from '../../kit/line-diff.ts';
import type { Discovery, KnownInput } from '../ports/source.ts';
import { canonicalPart, type Definition } from './definition.ts';

/** One part of a definition that is not what it was. */
export interface DefinitionChange {
  /** `sql`, `rule montant_limites`, `select pays`, `key`, … */
  readonly part: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Unified diff of the part's text. */
  readonly diff: readonly string[];
}

/** Why a step runs, or does not. Data; {@link reasonOf} makes the words. */
export type Cause =
  | { readonly kind: 'asked'; readonly flag: 'full-refresh' | 'force' }
  | { readonly kind: 'never_built' }
  | { readonly kind: 'partly_built' }
  /** Bronze: the table has other columns than are declared; only `--full-refresh` gives it those. */
  | { readonly kind: 'columns_differ'; readonly words: string }
  | { readonly kind: 'table_gone' }
  | { readonly kind: 'table_went_back'; readonly from: number; readonly to: number }
  /** `changes` is undefined when the older definition is not known. */
  | { readonly kind: 'definition'; readonly changes: readonly DefinitionChange[] | undefined }
  | { readonly kind: 'new_table'; readonly tables: readonly string[] }
  /** Inputs that were lost and made anew: their versions begin again, and say nothing of those that were read. */
  | { readonly kind: 'input_anew'; readonly tables: readonly string[] }
  | { readonly kind: 'input'; readonly table: string; readonly from: number; readonly to: number }
  /** Its SQL reads the time of the run, and it was computed on another day. */
  | { readonly kind: 'clock'; readonly reads: string; readonly day: string }
  /** Gold: it asks for a refresh, and its query does not allow one. */
  | { readonly kind: 'no_refresh'; readonly why: string }
  | { readonly kind: 'no_data'; readonly tables: readonly string[] }
  | { readonly kind: 'parent_moves'; readonly tables: readonly string[] }
  | { readonly kind: 'parent_failed'; readonly table: string; readonly fail_fast?: boolean }
  /** Rejected rows of the table were decided on: `decisions` since its last success. */
  | { readonly kind: 'decided'; readonly decisions: number }
  /** Bronze: files; `waiting` are still being written: the clock decides when they may be taken. */
  | {
      readonly kind: 'files';
      readonly fresh: number;
      readonly unchanged: number;
      readonly waiting: number;
      /** What `path:` names and is not there, with the words for it. */
      readonly missing?: string;
      readonly undone?: number;
      /** Loaded files that are gone, and whose rows go; of `loaded` when they are too many to be believed. */
      readonly gone?: number;
      readonly loaded?: number;
      /** Gone, but their removal was undone. */
      readonly gone_kept?: number;
    }
  /** Bronze, for a source that is asked: what it said. */
  | { readonly kind: 'source'; readonly words: string }
  /** An undo took back what the step would do again. */
  | { readonly kind: 'undone'; readonly run_id: string }
  | {
      readonly kind: 'backfill';
      readonly from: string;
      readonly to: string;
      readonly number: number;
      readonly of: number;
    }
  /** Its tests are others than those that the published version passed; `added`: names of such that it was not held against. */
  | { readonly kind: 'tests_changed'; readonly added: readonly string[] }
  | { readonly kind: 'nothing_moved' };

/** The words for causes: what `plan` says before, the run's record says after, and `status` and `why` repeat. */
export function reasonOf(causes: readonly Cause[]): string {
  const moves = causes.flatMap((cause) =>
    cause.kind === 'input' ? [`${cause.table} ${cause.from} → ${cause.to}`] : [],
  );
  const others = causes.filter((cause) => cause.kind !== 'input').map(wordsOf);
  return [...others, ...(moves.length === 0 ? [] : [`input changed: ${moves.join(', ')}`])].join('; ');
}

function wordsOf(cause: Exclude<Cause, { kind: 'input' }>): string {
  switch (cause.kind) {
    case 'asked':
      return cause.flag === 'force' ? 'asked for with --force' : 'full refresh was asked for';
    case 'never_built':
      return 'never built';
    case 'partly_built':
      return 'only a part of it was built under this definition';
    case 'columns_differ':
      return `refused without --full-refresh: ${cause.words}`;
    case 'table_gone':
      return 'its table is gone';
    case 'table_went_back':
      return `its table went back from version ${cause.from} to ${cause.to}`;
    case 'definition':
      return `its definition changed${changedParts(cause.changes)}`;
    case 'new_table':
      return `reads ${cause.tables.join(', ')} for the first time`;
    case 'input_anew':
      return `${cause.tables.join(' and ')} was lost and made anew`;
    case 'clock':
      return `its SQL reads ${cause.reads}, and it was computed on another day (${cause.day})`;
    case 'no_refresh':
      return `computed whole instead of refreshed: ${cause.why}`;
    case 'no_data':
      return `waits for ${cause.tables.join(', ')}: no data yet`;
    case 'parent_moves':
      return `if ${cause.tables.join(' or ')} publishes a new version`;
    case 'parent_failed':
      return cause.fail_fast === true
        ? `skipped because ${cause.table} failed (--fail-fast)`
        : `skipped because ${cause.table} did not succeed`;
    case 'files':
      return filesWords(cause);
    case 'source':
      return cause.words;
    case 'decided':
      return 'rows of its quarantine were decided on';
    case 'undone':
      return `undone by ${cause.run_id}, not done again: dataflow run --redo`;
    case 'backfill':
      return `backfill of ${cause.from} to ${cause.to} (window ${cause.number} of ${cause.of})`;
    case 'tests_changed':
      return `its tests changed${cause.added.length === 0 ? '' : ` (${namesOf(cause.added)})`}`;
    case 'nothing_moved':
      return 'up to date: same definition, same inputs';
  }
}

function filesWords(cause: Extract<Cause, { kind: 'files' }>): string {
  const { fresh, unchanged, waiting, missing, undone = 0, gone = 0, loaded, gone_kept = 0 } = cause;
  const kept = gone_kept === 0 ? '' : `, ${gone_kept} gone but not removed again: dataflow run --redo`;
  const still = `${kept}${waiting === 0 ? '' : `, ${waiting} still being written`}`;
  if (loaded !== undefined) return `refused without --allow-missing: ${gone} of ${loaded} loaded files are gone`;
  if (gone > 0) {
    const new_files = fresh === 0 ? '' : `${fresh} new or changed ${fresh === 1 ? 'file' : 'files'}, `;
    return `${new_files}${gone} loaded ${gone === 1 ? 'file is' : 'files are'} gone${still}`;
  }
  if (fresh > 0) return `${fresh} new or changed ${fresh === 1 ? 'file' : 'files'}${still}`;
  if (unchanged + undone === 0) return `${nothingWords(waiting, missing)}${still}`;
  const known = `${unchanged === 1 ? '1 file' : `${unchanged} files`} unchanged`;
  if (undone === 0) return `up to date: ${known}${still}`;
  const those = unchanged > 0 ? `${known}, ${undone}` : undone === 1 ? '1 file' : `${undone} files`;
  return `${those} undone, not loaded again: dataflow run --redo${still}`;
}

function nothingWords(waiting: number, missing: string | undefined): string {
  if (waiting > 0) return 'nothing to load yet';
  return missing === undefined ? 'no input found' : `no input found: ${missing}`;
}

function namesOf(names: readonly string[]): string {
  const more = names.length - PARTS_NAMED_MAX;
  return `${names.slice(0, PARTS_NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''} added`;
}

/** Nothing but the tests of a table: its rows stay as they are and are audited again. */
export function onlyTests(causes: readonly { readonly kind: string }[]): boolean {
  return causes.length > 0 && causes.every(({ kind }) => kind === 'tests_changed');
}

const PARTS_NAMED_MAX = 3;

function changedParts(changes: readonly DefinitionChange[] | undefined): string {
  if (changes === undefined || changes.length === 0) return '';
  const named = changes
    .slice(0, PARTS_NAMED_MAX)
    .map(({ part, change }) => (change === 'changed' ? part : `${part} ${change}`));
  const more = changes.length - named.length;
  return `: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The parts in which two definitions differ in meaning. Empty although the fingerprints differ: a masked value changed. */
export function definitionChanges(before: Definition, after: Definition): readonly DefinitionChange[] {
  const parts = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return parts.flatMap((part): DefinitionChange[] => {
    const [old_text, new_text] = [before[part], after[part]];
    if (old_text === undefined) return [{ part, change: 'added', diff: lineDiff('', new_text ?? '') }];
    if (new_text === undefined) return [{ part, change: 'removed', diff: lineDiff(old_text, '') }];
    if (canonicalPart(part, old_text) === canonicalPart(part, new_text)) return [];
    return [{ part, change: 'changed', diff: lineDiff(old_text, new_text) }];
  });
}

/** What a look at a source's files comes to. */
export function filesCause(
  discovery: Pick<Discovery, 'fresh' | 'refused' | 'unchanged' | 'waiting' | 'as_known'>,
  known: ReadonlyMap<string, KnownInput>,
  gone: {
    readonly paths: readonly string[];
    readonly held: number;
    readonly loaded: number;
    readonly too_many: boolean;
  },
): Extract<Cause, { kind: 'files' }> {
  // What is known is not even read when nothing of it can matter.
  const undone = discovery.as_known === true ? 0 : [...known.values()].filter((one) => one.status === 'undone').length;
  const barred = discovery.refused.filter((one) => !known.has(one.path)).length;
  const [missing] = discovery.waiting.filter((one) => one.ready_in_ms === 0);
  return {
    kind: 'files',
    fresh: discovery.fresh.length + barred,
    unchanged: Math.max(0, discovery.unchanged - undone),
    waiting: discovery.waiting.filter((one) => one.ready_in_ms > 0).length,
    ...(missing === undefined ? {} : { missing: `${missing.path}: ${missing.reason}` }),
    ...(undone === 0 ? {} : { undone }),
    ...(gone.paths.length === 0 ? {} : { gone: gone.paths.length }),
    ...(gone.too_many ? { loaded: gone.loaded } : {}),
    ...(gone.held === 0 ? {} : { gone_kept: gone.held }),
  };
}

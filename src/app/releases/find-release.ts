import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';

const ALL = 1_000_000_000;

/**
 * The release that a word means: an id or the beginning of one, `current`, `previous`, `current~2` (the second before the newest),
 * `first` (the oldest), or the id of the run that made it. @throws DataflowError E_NO_RELEASE.
 */
export function findRelease(ledger: Ledger, word: string): ReleaseRecord {
  const releases = ledger.releases(ALL);
  const back = /^(?:current|HEAD)(?:~(\d{1,9}))?$/i.exec(word);
  if (back !== null || word === 'previous' || word === 'first') {
    const found = word === 'first' ? releases.at(-1) : releases[word === 'previous' ? 1 : Number(back?.[1] ?? 0)];
    if (found === undefined)
      throw releases.length === 0
        ? new DataflowError('E_NO_RELEASE', 'there is no release yet', { hint: 'A run that succeeds records one.' })
        : new DataflowError('E_NO_RELEASE', `there is no release "${word}": ${countWords(releases.length)} recorded`);
    return found;
  }
  const matching = releases.filter((one) => one.release_id.startsWith(word));
  const [found, other] = matching.length > 0 ? matching : releases.filter((one) => one.run_id.startsWith(word));
  if (found === undefined || word === '') throw new DataflowError('E_NO_RELEASE', `there is no release "${word}"`);
  if (other !== undefined)
    throw new DataflowError('E_NO_RELEASE', `"${word}" is the beginning of several releases`, {
      hint: 'Give more of its id; dataflow release list has them.',
    });
  return found;
}

function countWords(releases: number): string {
  return releases === 1 ? 'only one is' : `${releases} are`;
}

/** @throws DataflowError E_NO_RELEASE in words that also name runs. */
function releaseOrRun(ledger: Ledger, word: string): ReleaseRecord {
  try {
    return findRelease(ledger, word);
  } catch (error) {
    if (!(error instanceof DataflowError) || !error.message.endsWith(`no release "${word}"`)) throw error;
    throw new DataflowError('E_NO_RELEASE', `there is no run or release "${word}"`);
  }
}

/** The run from which on an undo goes back, and how messages name the aim. */
export interface UndoAim {
  readonly since_run: string | undefined;
  readonly words: string;
}

/**
 * What `undo WORD` means: the state before a run, or the state of a release. Without a word, the state before the newest run that
 * published. `since_run` is undefined when nothing came after.
 * @throws DataflowError E_NO_RELEASE for a word that names neither, or several.
 */
export function undoAim(
  ledger: Ledger,
  run_ids: readonly string[],
  publishing: ReadonlySet<string>,
  word: string | undefined,
): UndoAim {
  if (word === undefined) {
    const since_run = run_ids.findLast((run_id) => publishing.has(run_id));
    return { since_run, words: since_run === undefined ? 'no run has published anything' : `before run ${since_run}` };
  }
  const runs = run_ids.filter((run_id) => word !== '' && run_id.startsWith(word));
  const releases = ledger.releases(ALL).filter((one) => word !== '' && one.release_id.startsWith(word));
  if (runs.length + releases.length > 1)
    throw new DataflowError('E_NO_RELEASE', `"${word}" is the beginning of several ids`, {
      hint: 'Give more of it; dataflow release list has the releases, dataflow status --runs the runs.',
    });
  const [since_run] = runs;
  if (since_run !== undefined) return { since_run, words: `before run ${since_run}` };
  const release = releaseOrRun(ledger, word);
  const place = run_ids.indexOf(release.run_id);
  if (place < 0)
    throw new DataflowError(
      'E_NO_RELEASE',
      `the ledger no longer knows the run that made release ${release.release_id}`,
    );
  return { since_run: run_ids[place + 1], words: `of release ${release.release_id}` };
}

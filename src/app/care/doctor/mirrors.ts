import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import { openMirror } from '../../mirror/opened-mirror.ts';
import type { Examined } from './examined.ts';
import { type DoctorFinding, ok, warn } from './finding.ts';

/** Longest wait for a storage that the lake is mirrored to. */
const ANSWER_MS_MAX = 10_000;

/** Whether each mirror's storage answers and lets us in, and whether the mirror holds the newest release. Writes nothing. */
export async function mirrors({ rooms, project, ledger, signal }: Examined): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = [];
  for (const [name, spec] of Object.entries(project.mirrors ?? {})) {
    const check = `mirror ${name}`;
    const far = await openMirror(rooms, project, spec, { note: () => undefined });
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
      const { words, warning } = await far.probe(limited);
      found.push(standingOf(check, name, `${far.name}: ${words}`, ledger));
      if (warning !== undefined) found.push(warn(check, `${far.name}: ${words}`, warning));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const why = signal.aborted || !message.includes('aborted') ? message : `${far.name} does not answer`;
      const hint = error instanceof DataflowError ? error.hint : `Mend connection ${spec.connection}`;
      found.push(warn(check, rooms.redact(why.split('\n')[0] ?? why), `${hint} Tables are computed all the same.`));
    } finally {
      await far.close();
    }
  }
  return found;
}

function standingOf(check: string, name: string, words: string, ledger: Ledger | undefined): DoctorFinding {
  const standing = ledger?.mirrors.standings().find((one) => one.mirror === name);
  const newest = ledger?.latestRelease()?.release_id;
  if (newest === undefined || standing?.release_id === newest) return ok(check, words);
  const what =
    standing === undefined ? 'nothing was synced to it yet' : `it holds release ${standing.release_id}, not the newest`;
  return warn(check, `${words}; ${what}`, `dataflow sync ${name}`);
}

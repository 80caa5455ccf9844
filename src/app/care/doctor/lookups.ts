import { type AskedEnrich, looksIntoTable } from '../../../core/model/enrich.ts';
import { questionDigest } from '../../../medallion/silver/enrich/answers.ts';
import { namedKey, placesOf } from '../../../medallion/silver/enrich/asking.ts';
import type { Examined } from './examined.ts';
import { type DoctorFinding, failure, ok, warn } from './finding.ts';

/** Longest wait for a system that is asked for the values of keys. */
const ANSWER_MS_MAX = 10_000;

/** Reaches the system of each lookup by what changes nothing there; what it answers is not remembered. */
export async function lookups(examined: Examined): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = [];
  for (const [table, { enrich = [] }] of Object.entries(examined.project.silver))
    for (const spec of enrich) if (!looksIntoTable(spec)) found.push(await probed(examined, spec, table));
  return found;
}

async function probed(
  { rooms, project, ledger, signal }: Examined,
  spec: AskedEnrich,
  table: string,
): Promise<DoctorFinding> {
  const check = `lookup ${table}.${spec.name}`;
  try {
    const lookup = await rooms.openLookup(spec, project);
    try {
      const key = ledger?.lookups.anyAnswered(questionDigest(spec));
      const known = key === undefined ? undefined : namedKey(spec, JSON.parse(key) as readonly string[]);
      const limited = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
      const {
        ok: reached,
        words,
        hint,
      } = await lookup.probe(known, placesOf(spec), {
        signal: limited,
        note: () => undefined,
      });
      const told = rooms.redact(words);
      return reached ? ok(check, told) : warn(check, told, hint ?? 'Mend the lookup before rows need it.');
    } finally {
      await lookup.close();
    }
  } catch (error) {
    return failure(check, error);
  }
}

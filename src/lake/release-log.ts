import { DataflowError } from '../core/errors/dataflow-error.ts';
import { asInteger, asIntegers, asObject, asText, NoteProblem } from '../core/model/note-fields.ts';
import type { ReleaseRecord } from '../core/ports/ledger.ts';
import type { LakeStorage } from '../core/ports/storage.ts';

/** One unchangeable file a release, numbered like the entries of a table's log: order is that of the numbers, never of a clock. */
const FOLDER = '_dataflow/releases';
const NAME = /^(\d{20})\.json$/;
/** Beside a release's file while it is pinned. */
const KEPT = '.kept';
const FORMAT = 1;
const ATTEMPTS_MAX = 20;

/** Writes a release down under the next number; the exclusive creation decides between two machines. */
export async function appendRelease(storage: LakeStorage, release: ReleaseRecord): Promise<void> {
  await storage.makeFolder(FOLDER, { private: true });
  const { kept: _, ...record } = release;
  const content = Buffer.from(`${JSON.stringify({ format: FORMAT, ...record })}\n`);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const next = ((await numbers(storage)).at(-1) ?? -1) + 1;
    if (await storage.createExclusive(pathOf(next), content)) return;
  }
  throw new DataflowError('E_LAKE_CONFLICT', 'releases are recorded by others all the time', {
    kept: 'every table is published; only the release is not recorded',
  });
}

/** All releases, oldest first. @throws DataflowError E_LAKE_CORRUPT naming a damaged file, E_LEDGER_NEWER for a later format. */
export async function storedReleases(storage: LakeStorage): Promise<readonly ReleaseRecord[]> {
  const names = new Set(await storage.list(FOLDER));
  const found: ReleaseRecord[] = [];
  for (const number of await numbers(storage)) {
    const release = await readRelease(storage, number);
    found.push(names.has(`${nameOf(number)}${KEPT}`) ? { ...release, kept: true } : release);
  }
  return found;
}

/** Pins a release, or lets go of it: an empty file beside its own. */
export async function pinRelease(storage: LakeStorage, release_id: string, keep: boolean): Promise<void> {
  for (const number of await numbers(storage)) {
    if ((await readRelease(storage, number)).release_id !== release_id) continue;
    const mark = `${FOLDER}/${nameOf(number)}${KEPT}`;
    if (keep) await storage.createExclusive(mark, new Uint8Array());
    else await storage.remove(mark);
  }
}

async function numbers(storage: LakeStorage): Promise<readonly number[]> {
  const found = (await storage.list(FOLDER)).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  return found.map(Number).sort((a, b) => a - b);
}

async function readRelease(storage: LakeStorage, number: number): Promise<ReleaseRecord> {
  const path = pathOf(number);
  try {
    const fields = asObject(JSON.parse(Buffer.from((await storage.read(path)) ?? []).toString()), 'release');
    if (asInteger(fields['format'], 'format') > FORMAT)
      throw new DataflowError('E_LEDGER_NEWER', `${path} was written by a newer dataflow`);
    return {
      release_id: asText(fields['release_id'], 'release_id'),
      run_id: asText(fields['run_id'], 'run_id'),
      created_at: asText(fields['created_at'], 'created_at'),
      tables: asIntegers(fields['tables'], 'tables'),
    };
  } catch (error) {
    if (!(error instanceof NoteProblem) && !(error instanceof SyntaxError)) throw error;
    throw new DataflowError('E_LAKE_CORRUPT', `the release ${path} is damaged: ${error.message}`, {
      hint: 'Remove this file: only the release is lost, no table.',
      cause: error,
    });
  }
}

function nameOf(number: number): string {
  return String(number).padStart(20, '0');
}

function pathOf(number: number): string {
  return `${FOLDER}/${nameOf(number)}.json`;
}

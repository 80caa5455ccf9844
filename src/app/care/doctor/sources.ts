import { tmpdir } from 'node:os';
import type { SourceSpec } from '../../../core/model/project.ts';
import type { Examined } from './examined.ts';
import { type DoctorFinding, fail, failure, ok, warn } from './finding.ts';

/** Looks into every source as a run would, without opening a file or asking for data. */
export async function sources(examined: Examined): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = [];
  for (const [name, spec] of Object.entries(examined.project.sources)) {
    const check = `source ${name}`;
    if (spec.pulled === true) {
      found.push(await probed(examined, spec, check));
      continue;
    }
    try {
      found.push(await looked(examined, { name, spec, check }));
    } catch (error) {
      found.push(failure(check, error));
    }
  }
  return found;
}

/** What a run would find in the folders of a source, and whether it could read it. */
async function looked(
  { rooms, project, ledger, signal }: Examined,
  { name, spec, check }: { readonly name: string; readonly spec: SourceSpec; readonly check: string },
): Promise<DoctorFinding> {
  const source = await rooms.createSource(spec, project);
  const ready = (await source.ready?.()) ?? { ok: true, words: '' };
  if (!ready.ok) return fail(check, ready.words, ready.hint ?? 'Install what is missing.');
  const known = ledger?.knownInputs(name) ?? new Map();
  const context = {
    root: project.root,
    temp_folder: tmpdir(),
    now_ms: Date.now(),
    rehash: false,
    look_only: true,
    signal,
  };
  const { fresh, unchanged, refused, waiting, vanished } = await source.discover(known, context);
  const says = [
    ...(ledger === undefined
      ? [fresh.length === 1 ? '1 file' : `${fresh.length} files`]
      : [`${fresh.length} new`, `${unchanged} known`]),
    ...(waiting.length > 0 ? [`${waiting.length} waiting`] : []),
    ...(vanished.length > 0
      ? [`${vanished.length} gone (their rows ${spec.on_missing === 'delete' ? 'go with the next run' : 'stay'})`]
      : []),
    ...(ready.words === '' ? [] : [ready.words]),
  ].join(', ');
  const barred = refused.filter((one) => known.get(one.path)?.status !== 'quarantined');
  const [first] = barred;
  const [missing] = waiting.filter((one) => one.ready_in_ms === 0);
  if (first !== undefined)
    return warn(check, `${says}; ${barred.length} refused: ${first.path}: ${first.reason}`, 'Mend or exclude them.');
  if (missing !== undefined && fresh.length + unchanged === 0)
    return warn(check, `${missing.path}: ${missing.reason}`, `Put files there, or mend path: of ${name}.`);
  if (fresh.length + unchanged + waiting.length === 0)
    return warn(check, 'no file matches', `Put files there, or mend path: of ${name}.`);
  return ok(check, says);
}

/** Reaches the system of a source that is asked, signs in, takes nothing. */
async function probed({ rooms, project, signal }: Examined, spec: SourceSpec, check: string): Promise<DoctorFinding> {
  try {
    const source = await rooms.openPulled(spec, project);
    try {
      const { ok: reached, words, hint } = await source.probe({ signal, root: project.root });
      return reached
        ? ok(check, rooms.redact(words))
        : fail(check, rooms.redact(words), hint ?? 'See `dataflow plan`.');
    } finally {
      await source.close();
    }
  } catch (error) {
    return failure(check, error);
  }
}

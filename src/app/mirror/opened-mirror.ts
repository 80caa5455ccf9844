import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { MirroredFile, MirrorSpec } from '../../core/model/mirror.ts';
import type { Project } from '../../core/model/project.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { nameHint } from '../../kit/name-list.ts';
import type { Rooms } from '../rooms.ts';

/** @throws DataflowError E_SELECTION */
export function mirrorOf(project: Project, name: string): MirrorSpec {
  const spec = project.mirrors?.[name];
  if (spec !== undefined) return spec;
  const names = Object.keys(project.mirrors ?? {});
  throw new DataflowError('E_SELECTION', `there is no mirror ${name}`, {
    hint: names.length === 0 ? 'Name a storage under `mirrors:`.' : nameHint(name, names),
  });
}

/** All mirrors, or those that are named. @throws DataflowError E_SELECTION */
export function mirrorNames(project: Project, words: readonly string[]): readonly string[] {
  for (const word of words) mirrorOf(project, word);
  const names = words.length > 0 ? words : Object.keys(project.mirrors ?? {});
  if (names.length > 0) return names;
  throw new DataflowError('E_SELECTION', 'this project has no mirrors', { hint: 'Name a storage under `mirrors:`.' });
}

/** The far side of a mirror. Whoever opens it closes it. */
export function openMirror(
  rooms: Rooms,
  project: Project,
  spec: MirrorSpec,
  told: { note(text: string): void; spared?(): void },
): Promise<FarStorage> {
  const path = (spec.path ?? project.name).replace(/^\/+|\/+$/g, '');
  return rooms.openFarStorage({ connection: spec.connection, path, project, ...told });
}

/** What is remembered of a mirror, as long as it is at the same place. */
export function rememberedFiles(
  ledger: Ledger,
  mirror: string,
  place: string,
): { readonly known: ReadonlyMap<string, MirroredFile>; readonly moved: boolean } {
  const standing = ledger.mirrors.standings().find((one) => one.mirror === mirror);
  if (standing !== undefined && standing.place !== place) return { known: new Map(), moved: true };
  return { known: ledger.mirrors.files(mirror), moved: false };
}

import { resolve } from 'node:path';
import { archiveOf } from '../../core/model/member-path.ts';
import type { ArchiveReader } from '../../core/ports/archive.ts';
import type { KnownInput, SourceContext } from '../../core/ports/source.ts';
import { type Digest, digestMembers } from './digests.ts';
import type { FilesAway } from './files-away.ts';
import type { FoundOptions } from './options.ts';

/** Hashes of what was loaded, as it is now: members are taken out of their archives again, files of a place are fetched again. */
export async function digestInputs(
  parts: { readonly reader: ArchiveReader | undefined; readonly options: FoundOptions },
  away: FilesAway | undefined,
  inputs: readonly KnownInput[],
  context: SourceContext,
): Promise<ReadonlyMap<string, Digest>> {
  if (away === undefined) {
    const here = { fetch: async (one: string) => resolve(context.root, one), drop: async () => undefined };
    return await digestMembers(parts, inputs, context, here);
  }
  await away.find(parts.options, new Map(), { ...context, look_only: true });
  const files = inputs.filter(({ path }) => archiveOf(path) === undefined);
  const members = await digestMembers(parts, inputs, context, {
    fetch: (archive) => away.fetchAgain(archive, context),
    drop: (archive) => away.drop(archive),
  });
  return new Map([...(await away.digests(files, context)), ...members]);
}

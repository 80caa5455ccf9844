import { rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { archiveOf } from '../../core/model/member-path.ts';
import type { ArchiveReader } from '../../core/ports/archive.ts';
import type { KnownInput, SourceContext } from '../../core/ports/source.ts';
import { digestFile } from '../../kit/digest-file.ts';
import { Archives } from './archives.ts';
import { archiveKindOf } from './kinds.ts';
import type { FoundOptions } from './options.ts';

export interface Digest {
  readonly sha256?: string;
  readonly error?: string;
}

/** Where archives are had from; undefined: it is gone. */
export interface ArchivePlace {
  fetch(archive: string): Promise<string | undefined>;
  /** It is not needed any more. */
  drop(archive: string): Promise<void>;
}

/** Takes the members of archives out once more, archive by archive, and hashes them. */
export async function digestMembers(
  { reader, options }: { readonly reader: ArchiveReader | undefined; readonly options: FoundOptions },
  inputs: readonly KnownInput[],
  context: SourceContext,
  at: ArchivePlace,
): Promise<ReadonlyMap<string, Digest>> {
  const by_archive = new Map<string, KnownInput[]>();
  for (const input of inputs) {
    const archive = archiveOf(input.path);
    const members = archive === undefined ? undefined : by_archive.get(archive);
    if (members !== undefined) members.push(input);
    else if (archive !== undefined) by_archive.set(archive, [input]);
  }
  const found = new Map<string, Digest>();
  for (const [archive, members] of by_archive) {
    const archives = new Archives(reader, options);
    try {
      const digests = await membersOf(archives, archive, await at.fetch(archive), members, context);
      for (const [path, digest] of digests) found.set(path, digest);
    } catch (error) {
      context.signal?.throwIfAborted();
      const words = error instanceof Error ? error.message : String(error);
      for (const { path } of members) found.set(path, { error: words });
    } finally {
      await at.drop(archive);
    }
  }
  return found;
}

async function membersOf(
  archives: Archives,
  archive: string,
  uri: string | undefined,
  members: readonly KnownInput[],
  context: SourceContext,
): Promise<ReadonlyMap<string, Digest>> {
  const kind = archiveKindOf(archive) ?? 'zip';
  if (uri === undefined || statSync(uri, { throwIfNoEntry: false }) === undefined)
    return new Map(members.map(({ path }) => [path, { error: 'its archive is gone' }]));
  const listing = await archives.list(uri, uri, kind, context.signal);
  const names = new Map(listing.members.map(({ name, size_bytes }) => [name, size_bytes]));
  const nameOf = ({ path }: KnownInput): string => path.slice(archive.length + 2);
  for (const member of members) {
    const size = names.get(nameOf(member));
    if (size !== undefined) archives.want(uri, nameOf(member), size);
  }
  const found = new Map<string, Digest>();
  let folder: string | undefined;
  for (const member of members) {
    const name = nameOf(member);
    if (!names.has(name)) {
      found.set(member.path, { error: listing.problem?.reason ?? 'it is no longer in its archive' });
      continue;
    }
    const taken = await archives.take(uri, uri, { archive: kind, member: name }, context);
    folder = dirname(taken.uri);
    const { sha256, error } = digestFile(taken.uri, () => undefined);
    found.set(member.path, sha256 === undefined ? { error: error ?? 'it cannot be read' } : { sha256 });
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return found;
}

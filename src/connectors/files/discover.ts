import type { Discovery, InputUnit, KnownInputs, SourceContext } from '../../core/ports/source.ts';
import type { Archives } from './archives.ts';
import type { FilesAway } from './files-away.ts';
import { Finding } from './finding.ts';
import { type FoundOptions, listOf } from './options.ts';
import { compilePattern } from './patterns.ts';
import { stampOf } from './stamp.ts';
import { walk } from './walk.ts';

/** Where files are looked for beyond the names in folders. */
export interface DiscoverParts {
  readonly archives: Archives;
  /** The place that the source names; absent: its files lie on this machine. */
  readonly away?: FilesAway;
}

/**
 * Finds new and changed files; an unchanged one costs a single stat, or a line of a listing, and an unchanged archive no more than that. New
 * archives are looked into: their members are what is found. @throws DataflowError E_SOURCE_*
 */
export async function discoverFiles(
  options: FoundOptions,
  known: KnownInputs,
  context: SourceContext,
  { archives, away }: DiscoverParts,
): Promise<Discovery> {
  const finding = (await away?.find(options, known, context)) ?? findFiles(options, known, context);
  for (const archive of finding.archives) {
    const uri = (await away?.localOf(archive, context)) ?? archive.uri;
    const stamp = stampOf(archive);
    const listing = await archives.list(stamp, uri, archive.archive ?? 'zip', context.signal);
    for (const { member = '', size_bytes } of finding.opened(archive, listing))
      archives.want(stamp, member, size_bytes);
  }
  const found = finding.result();
  away?.expect(found.fresh.filter((unit: InputUnit) => unit.member === undefined));
  return found;
}

/** The walk: synchronous, a promise per file costs several times the system call. @throws DataflowError E_SOURCE_IO */
export function findFiles(options: FoundOptions, known: KnownInputs, context: SourceContext): Finding {
  const finding = new Finding(options, known, context);
  const globs = listOf(options.path);
  for (const glob of globs) {
    context.signal?.throwIfAborted();
    finding.overlapping = globs.length > 1;
    walk(compilePattern(glob, context.root), context.root, finding);
  }
  return finding;
}

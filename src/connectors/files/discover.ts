import type { Discovery, InputUnit, KnownInputs, SourceContext } from '../../core/ports/source.ts';
import type { Archives } from './archives.ts';
import { Finding } from './finding.ts';
import { type FoundOptions, listOf } from './options.ts';
import { compilePattern } from './patterns.ts';
import { walk } from './walk.ts';

/**
 * Finds new and changed files; an unchanged one costs a single stat, an unchanged archive no more than that. New archives are looked into: their
 * members are what is found. @throws DataflowError E_SOURCE_IO.
 */
export async function discoverFiles(
  options: FoundOptions,
  known: KnownInputs,
  context: SourceContext,
  archives: Archives,
): Promise<Discovery> {
  const finding = findFiles(options, known, context);
  for (const archive of finding.archives) await open(archive, finding, context, archives);
  return finding.result();
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

async function open(unit: InputUnit, finding: Finding, { signal }: SourceContext, archives: Archives): Promise<void> {
  const stamp = stampOf({ ...unit, inode: `${unit.inode}/${unit.size_bytes}` });
  const listing = await archives.list(stamp, unit.uri, unit.archive ?? 'zip', signal);
  for (const { member = '', size_bytes } of finding.opened(unit, listing)) archives.want(stamp, member, size_bytes);
}

/** How the archive of a member looked when it was looked into. */
export function stampOf({ uri, mtime_ns, inode }: Pick<InputUnit, 'uri' | 'mtime_ns' | 'inode'>): string {
  return `${uri}|${mtime_ns}|${inode}`;
}

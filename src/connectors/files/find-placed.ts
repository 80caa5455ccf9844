import type { FilePlace, PlacedFile } from '../../core/ports/file-place.ts';
import type { KnownInputs, SourceContext } from '../../core/ports/source.ts';
import { Finding } from './finding.ts';
import { type FoundOptions, listOf } from './options.ts';
import { compilePlacedPattern } from './patterns.ts';

/** Files of a place, and how each of those looked that may be fetched. */
export interface PlacedFinding {
  readonly finding: Finding;
  /** By the path under which the ledger knows it. */
  readonly files: ReadonlyMap<string, PlacedFile>;
}

/** The path under which the file of a place is known: by the connection's name, which stays when the system moves. */
export function placedPath(connection: string, path: string): string {
  return `${connection}://${path}`;
}

/**
 * Finds new and changed files of a place by listing it: size, time and mark of each are held against what is known, and no file is asked for by
 * itself. @throws DataflowError E_SOURCE_*
 */
export async function findPlaced(
  { connection, place }: { readonly connection: string; readonly place: FilePlace },
  options: FoundOptions,
  known: KnownInputs,
  context: SourceContext,
): Promise<PlacedFinding> {
  const finding = new Finding(options, known, context);
  const files = new Map<string, PlacedFile>();
  const globs = listOf(options.path);
  for (const glob of globs) {
    finding.overlapping = globs.length > 1;
    const { prefix, folder, depth, matches } = compilePlacedPattern(glob);
    const { signal } = context;
    const listed = await place.list({ prefix, folder, depth, ...(signal === undefined ? {} : { signal }) });
    if (listed === undefined) {
      finding.missing(placedPath(connection, folder), 'the folder does not exist');
      continue;
    }
    for await (const one of listed) {
      signal?.throwIfAborted();
      if (!matches(one.path) || finding.excluded(one.path)) continue;
      const path = placedPath(connection, one.path);
      if ('odd' in one) {
        finding.refuse(path, 'not_a_file', `it is ${one.odd}, not a regular file`);
        continue;
      }
      files.set(path, one);
      finding.file(path, path, { size: BigInt(one.size_bytes), mtimeNs: BigInt(one.mtime_ns), ino: one.mark });
    }
  }
  return { finding, files };
}

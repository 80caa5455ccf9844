import type { Project } from '../../../core/model/project.ts';
import { parseTableKey, tableKey } from '../../../core/model/table.ts';
import type { MirrorLedger } from '../../../core/ports/mirror-ledger.ts';
import { matchesGlob } from '../../../kit/glob.ts';
import { ownerOf } from '../compact/at-work.ts';
import type { Finding } from './finding.ts';

const ANY_COPY = 'from a backup or a mirror';

/**
 * Where the project has a mirror of the table, a remedy names the command that brings it back from there; not of a file that the ledger knows not to be in
 * that mirror.
 */
export function withMirrors<T extends Pick<Finding, 'table' | 'path' | 'remedy'>>(
  { mirrors = {} }: Project,
  ledger: { readonly mirrors: Pick<MirrorLedger, 'files'> } | undefined,
  findings: readonly T[],
): readonly T[] {
  const known = new Map<string, ReadonlyMap<string, unknown>>();
  const has = (name: string, path: string | null): boolean => {
    if (path === null || ledger === undefined) return true;
    const files = known.get(name) ?? ledger.mirrors.files(name);
    known.set(name, files);
    return files.size === 0 || files.has(path);
  };
  return findings.map((finding) => {
    const { table, remedy, path } = finding;
    if (table === null || remedy === null || !remedy.includes(ANY_COPY)) return finding;
    const id = parseTableKey(table);
    const owner = id === undefined ? table : tableKey(ownerOf(id));
    const [name] =
      Object.entries(mirrors).find(
        ([one, { tables }]) => tables.some((glob) => matchesGlob(glob, owner)) && has(one, path),
      ) ?? [];
    if (name === undefined) return finding;
    const command = `from the mirror (dataflow restore ${name} --table ${owner})`;
    return { ...finding, remedy: remedy.replace(ANY_COPY, command) };
  });
}

import type { Project } from '../../../core/model/project.ts';
import { parseTableKey, tableKey } from '../../../core/model/table.ts';
import { matchesGlob } from '../../../kit/glob.ts';
import { ownerOf } from '../compact/at-work.ts';
import type { Finding } from './finding.ts';

const ANY_COPY = 'from a backup or a mirror';

/** Where the project has a mirror of the table, a remedy names the command that brings it back from there. */
export function withMirror(project: Project, finding: Finding): Finding {
  const { table, remedy } = finding;
  if (table === null || remedy === null || !remedy.includes(ANY_COPY)) return finding;
  const id = parseTableKey(table);
  const owner = id === undefined ? table : tableKey(ownerOf(id));
  const [name] =
    Object.entries(project.mirrors ?? {}).find(([, { tables }]) => tables.some((one) => matchesGlob(one, owner))) ?? [];
  if (name === undefined) return finding;
  const command = `from the mirror (dataflow restore ${name} --table ${owner})`;
  return { ...finding, remedy: remedy.replace(ANY_COPY, command) };
}

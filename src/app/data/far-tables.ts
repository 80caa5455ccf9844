import type { Project } from '../../core/model/project.ts';
import { tableKey } from '../../core/model/table.ts';
import type { TableAt } from '../../core/ports/far-engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { folderOf } from '../mirror/needed-files.ts';

/** A published version as an engine on other machines finds it. */
export function tableAt(project: Project, { table, version }: Pick<Snapshot, 'table' | 'version'>): TableAt {
  return { key: tableKey(table), uri: `${project.lake.url.replace(/\/+$/, '')}/${folderOf(project, table)}`, version };
}

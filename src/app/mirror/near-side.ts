import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { MarkedTable, MirrorSpec } from '../../core/model/mirror.ts';
import { parseTableKey, type TableId, tableKey } from '../../core/model/table.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { LakeCare, TableFiles } from '../../core/ports/lake-care.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import { matchesGlob } from '../../kit/glob.ts';
import { ownerOf } from '../care/compact/at-work.ts';
import { refuseMadeAnew } from '../releases/still-there.ts';
import { releasedMadeAnew } from '../run/made-anew.ts';

/** What a mirror should hold: the tables of the newest release that it is about, as they stood then. */
export interface NearSide {
  readonly release: ReleaseRecord;
  /** In the order of their names. */
  readonly tables: readonly TableFiles[];
}

/** @throws DataflowError E_NO_RELEASE, E_LAKE_NO_VERSION when a released version cannot be read, E_LAKE_CORRUPT for a damaged log */
export async function nearSide(
  open: { readonly lake: Lake; readonly care: LakeCare; readonly ledger: Ledger },
  spec: MirrorSpec,
): Promise<NearSide> {
  const release = open.ledger.latestRelease();
  if (release === undefined)
    throw new DataflowError('E_NO_RELEASE', 'there is no release yet', {
      hint: 'A run that succeeds records one: dataflow run',
    });
  refuseMadeAnew(release, releasedMadeAnew(open.ledger, release), Object.keys(release.tables).filter(isWanted(spec)));
  const tables: TableFiles[] = [];
  for (const { table, version } of await wantedTables(open.lake, release, spec))
    tables.push(await open.care.tableFiles(table, version));
  return { release, tables };
}

function isWanted({ tables }: MirrorSpec): (key: string) => boolean {
  return (key) => tables.some((pattern) => matchesGlob(pattern, key));
}

async function wantedTables(
  lake: Lake,
  release: ReleaseRecord,
  spec: MirrorSpec,
): Promise<readonly { readonly table: TableId; readonly version: number }[]> {
  const wanted = isWanted(spec);
  const released = Object.entries(release.tables).flatMap(([key, version]) => {
    const table = parseTableKey(key);
    const rejects = table?.layer === 'quarantine';
    return table === undefined || rejects || !wanted(key) || version < 0 ? [] : [{ table, version }];
  });
  if (!spec.quarantine) return released;
  const all = await lake.tables();
  const rejected: { table: TableId; version: number }[] = [];
  for (const table of all) {
    if (table.layer !== 'quarantine' || !wanted(tableKey(ownerOf(undecided(table))))) continue;
    // As they are now, not as they were released: rows that are put aside are there before those that are published.
    const version = await lake.latestVersion(table);
    if (version !== undefined) rejected.push({ table, version });
  }
  return [...released, ...rejected];
}

/** Decisions about rejected rows lie beside these. */
function undecided(table: TableId): TableId {
  return { ...table, name: table.name.replace(/^decided_/, '') };
}

/** What a release marker says of a table. */
export function markedTable({ folder, version, data, entries, checkpoints, hints }: TableFiles): MarkedTable {
  const files = [...data, ...entries, ...checkpoints, ...hints];
  return {
    ...{ version, folder },
    files: files.length,
    size_bytes: files.reduce((sum, file) => sum + file.size_bytes, 0),
    entry_sha256: entries.at(-1)?.sha256 ?? '',
  };
}

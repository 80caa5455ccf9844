import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LoadMode, LoadSpec } from '../../core/model/load.ts';
import type { Project } from '../../core/model/project.ts';
import { type Column, parseTableKey } from '../../core/model/table.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import type { SinkTable } from '../../core/ports/sink.ts';
import { closest } from '../../kit/closest.ts';
import { matchesGlob } from '../../kit/glob.ts';

/** What `pipelines.yaml` says of one table of a load, after its defaults. */
export interface LoadedTable {
  /** `gold.dim_clients`. */
  readonly table: string;
  /** Its name at the destination. */
  readonly name: string;
  readonly mode: LoadMode;
  /** As in the lake. */
  readonly key: readonly string[];
  readonly indexes: readonly (readonly string[])[];
  /** Column of the lake → its name at the destination; absent: all as they are. */
  readonly columns?: Readonly<Record<string, string>>;
  readonly comment?: string;
  /** Digest of what makes other rows out of the same table. */
  readonly settings_hash: string;
  readonly version: number;
}

/** @throws DataflowError E_SELECTION */
export function loadOf(project: Project, name: string): LoadSpec {
  const spec = project.loads?.[name];
  if (spec !== undefined) return spec;
  const known = Object.keys(project.loads ?? {});
  const guess = closest(name, known);
  throw new DataflowError('E_SELECTION', `there is no load ${name}`, {
    hint:
      known.length === 0
        ? 'The project has no `loads:`.'
        : guess === undefined
          ? `There are ${known.join(', ')}.`
          : `Did you mean ${guess}?`,
  });
}

/**
 * The tables of a load that a release holds, in the order of the project.
 * @throws DataflowError E_NO_RELEASE when it holds none of them, E_CONFIG_INVALID when two go to the same name.
 */
export function loadedTables(spec: LoadSpec, graph: Graph, release: ReleaseRecord): readonly LoadedTable[] {
  const wanted = graph.nodes.filter(({ key }) => spec.tables.some((pattern) => matchesGlob(pattern, key)));
  const tables = wanted.flatMap((node): readonly LoadedTable[] => {
    const version = release.tables[node.key];
    if (version === undefined) return [];
    const own = spec.overrides[node.key];
    const key = own?.key ?? (node.layer === 'bronze' ? [] : node.spec.key);
    const asked = own?.mode ?? spec.mode;
    // Without a key nothing tells which row became which.
    const mode = asked === 'upsert' && key.length === 0 ? 'replace' : asked;
    const name = own?.as ?? parseTableKey(node.key)?.name ?? node.key;
    const columns = own?.columns;
    const { description: comment } = node.spec;
    return [
      {
        ...{ table: node.key, name, mode, key, indexes: own?.indexes ?? [], version },
        ...(columns === undefined ? {} : { columns }),
        ...(comment === undefined ? {} : { comment }),
        settings_hash: digest([name, mode, key, own?.indexes ?? [], columns ?? null]),
      },
    ];
  });
  if (tables.length === 0)
    throw new DataflowError('E_NO_RELEASE', `release ${release.release_id} has none of the tables of this load`, {
      hint: 'A run that succeeds records a release: dataflow run',
    });
  refuseTwins(tables);
  return tables;
}

function refuseTwins(tables: readonly LoadedTable[]): void {
  const seen = new Map<string, string>();
  for (const { table, name } of tables) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined)
      throw new DataflowError('E_CONFIG_INVALID', `${other} and ${table} would both be loaded as ${name}`, {
        hint: `Give one of them another name: overrides: { ${table}: { as: … } }.`,
      });
    seen.set(name.toLowerCase(), table);
  }
}

/** A column on its way: its name in the lake, and what the destination calls it. */
export interface ChosenColumn {
  readonly from: Column;
  readonly as: string;
}

/** The columns that are loaded. @throws DataflowError E_CONFIG_REFERENCE for one that the table does not have. */
export function chosenColumns({ table, columns }: LoadedTable, { columns: all }: Snapshot): readonly ChosenColumn[] {
  if (columns === undefined) return all.map((from) => ({ from, as: from.name }));
  return Object.entries(columns).map(([name, as]) => ({ from: columnOf(table, all, name), as }));
}

/** The table as the destination is to have it. */
export function sinkTable(loaded: LoadedTable, chosen: readonly ChosenColumn[]): SinkTable {
  const named = (name: string): string => {
    const found = chosen.find(({ from }) => from.name.toLowerCase() === name.toLowerCase());
    if (found !== undefined) return found.as;
    throw new DataflowError('E_CONFIG_REFERENCE', `${loaded.table} is loaded without its column ${name}`, {
      hint: `Loaded are ${chosen.map(({ from }) => from.name).join(', ')}.`,
    });
  };
  return {
    table: loaded.table,
    name: loaded.name,
    mode: loaded.mode,
    key: loaded.key.map(named),
    columns: chosen.map(({ from, as }) => ({ ...from, name: as })),
    indexes: loaded.indexes.map((columns) => columns.map(named)),
    ...(loaded.comment === undefined ? {} : { comment: loaded.comment }),
  };
}

function columnOf(table: string, columns: readonly Column[], name: string): Column {
  const found = columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  throw new DataflowError('E_CONFIG_REFERENCE', `${table} has no column ${name}`, {
    hint: `It has ${columns.map((column) => column.name).join(', ')}.`,
  });
}

/** Stands for the bytes that a version consists of. */
export function sourceHash({ files, columns }: Snapshot): string {
  return digest([columns, files.map((file) => file.sha256 ?? file.path).sort()]);
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

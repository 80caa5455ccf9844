import type { DriftAction, DriftEvent } from '../../core/model/drift.ts';
import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import { descendantsOf, type Graph } from '../../core/planning/graph.ts';
import type { InputUnit, Inspection, UnitField } from '../../core/ports/source.ts';
import { commonType } from '../../core/types/widening.ts';
import type { BronzeNode } from './step.ts';

/** A unit and what its inspection (or a look at its beginning) found. */
export interface SeenUnit {
  readonly unit: InputUnit;
  readonly inspection: Inspection;
}

/** Columns that the unit names; undefined when it does not say. */
export function fieldsOf({ inspection }: SeenUnit): readonly UnitField[] | undefined {
  return inspection.fields ?? inspection.header?.map((name) => ({ name }));
}

/** JSON members go by their exact name, columns of files with a header by the name without case. */
function sameName(seen: SeenUnit): (name: string) => string {
  return isJson(seen) ? (name) => name : (name) => name.toLowerCase();
}

/** A sheet is read as JSON too, but it has a header, and so the same columns in every record. */
function isJson({ unit, inspection }: SeenUnit): boolean {
  return (unit.format === 'json' || unit.format === 'ndjson') && inspection.header === undefined;
}

/** Names that the columns do not know. */
export function extraColumns(seen: SeenUnit, columns: readonly Column[]): readonly string[] {
  const as = sameName(seen);
  const known = new Set(columns.map((column) => as(column.name)));
  return (fieldsOf(seen) ?? []).map((field) => field.name).filter((name) => !known.has(as(name)));
}

/** Columns that the unit lacks. A member that no record of a JSON file has is no lack: members are optional. */
export function missingColumns(seen: SeenUnit, columns: readonly Column[]): readonly string[] {
  const fields = fieldsOf(seen);
  if (fields === undefined || isJson(seen)) return [];
  const present = new Set(fields.map((field) => field.name.toLowerCase()));
  return columns
    .filter((column) => column.name !== SOURCE_FILE_COLUMN && !present.has(column.name.toLowerCase()))
    .map((column) => column.name);
}

/** What the engine is asked to read of a unit: the columns that it has. */
export function presentColumns(seen: SeenUnit, columns: readonly Column[]): readonly Column[] {
  const missing = new Set(missingColumns(seen, columns));
  return missing.size === 0 ? columns : columns.filter((column) => !missing.has(column.name));
}

/** Columns of the unit that have another type than the table, as far as both are known. */
export function retypedColumns(
  seen: SeenUnit,
  columns: readonly Column[],
): readonly { readonly column: Column; readonly type: string }[] {
  const types = new Map((seen.inspection.fields ?? []).map((field) => [field.name.toLowerCase(), field.type]));
  return columns.flatMap((column) => {
    const type = types.get(column.name.toLowerCase());
    return type === undefined || type === column.type ? [] : [{ column, type }];
  });
}

/** Under `evolve` only declared columns have to be there; what was added or inferred may be absent and reads NULL. */
export function isRequired(spec: BronzeNode['spec'], column: string): boolean {
  return spec.schema_change !== 'evolve' || isDeclared(spec, column);
}

export function isDeclared({ columns }: BronzeNode['spec'], column: string): boolean {
  return Object.keys(columns ?? {}).some((name) => name.toLowerCase() === column.toLowerCase());
}

type Change = Omit<DriftEvent, 'source' | 'files' | 'affected' | 'named_in'>;

/**
 * What changed in the columns of the units against those of the table (`before`), and what the source's `schema_change` makes of it. Pure: the
 * plan tells it before, the run after. `after`: the table's columns as they will be, where that is known;
 * `types`: what was found in cells of files without types of their own, by file.
 */
export function driftOf(
  node: BronzeNode,
  graph: Graph,
  units: readonly SeenUnit[],
  before: readonly Column[],
  after: readonly Column[] = before,
  types?: ReadonlyMap<string, ReadonlyMap<string, string>>,
): readonly DriftEvent[] {
  const found = new Map<string, { change: Change; files: number; rows: number }>();
  for (const seen of units) {
    for (const change of changesOf(node, seen, before, after, types?.get(seen.unit.path))) {
      const key = JSON.stringify([change.what, change.column, change.from, change.to, change.action]);
      const known = found.get(key) ?? { change, files: 0, rows: 0 };
      known.files += 1;
      known.rows += change.rows;
      found.set(key, known);
    }
  }
  const affected = [...descendantsOf(graph, new Set([node.key]))];
  return [...found.values()].map(({ change, files, rows }) => ({
    ...change,
    source: node.name,
    files,
    rows,
    affected,
    named_in: affected.filter((table) => names(graph, table, change)),
  }));
}

function changesOf(
  node: BronzeNode,
  seen: SeenUnit,
  before: readonly Column[],
  after: readonly Column[],
  types: ReadonlyMap<string, string> | undefined,
): readonly Change[] {
  const extra = extraColumns(seen, before);
  const missing = missingColumns(seen, before);
  const refused = missing.some((name) => isRequired(node.spec, name)) || (extra.length > 0 && isFrozen(node));
  const { path: file } = seen.unit;
  const rows = seen.inspection.records;
  const lack: DriftAction = refused ? 'file_quarantined' : 'reads_null';
  const changes: Change[] = [];
  const [from] = missing;
  const [to] = extra;
  if (from !== undefined && to !== undefined && missing.length === 1 && extra.length === 1)
    changes.push({ what: 'column_renamed', column: from, from, to, action: lack, file, rows });
  else for (const column of missing) changes.push({ what: 'column_removed', column, action: lack, file, rows });
  const renamed = changes.some((change) => change.what === 'column_renamed');
  for (const column of extra) {
    if (renamed && refused) continue;
    const type = after.find((one) => one.name === column)?.type ?? fieldOf(seen, column)?.type;
    changes.push({
      what: 'column_added',
      column,
      ...(type === undefined ? {} : { to: type }),
      action: refused ? 'file_quarantined' : EXTRA[node.spec.schema_change],
      file,
      rows: fieldOf(seen, column)?.records ?? rows,
    });
  }
  if (!refused) changes.push(...retyped(seen, before, after, types), ...reordered(seen, before));
  return changes;
}

function isFrozen(node: BronzeNode): boolean {
  return node.spec.schema_change === 'freeze';
}

const EXTRA: Readonly<Record<BronzeNode['spec']['schema_change'], DriftAction>> = {
  evolve: 'added',
  freeze: 'file_quarantined',
  discard_row: 'rows_quarantined',
  discard_value: 'left_out',
};

function fieldOf(seen: SeenUnit, name: string): UnitField | undefined {
  return fieldsOf(seen)?.find((field) => field.name === name);
}

/** `types`: what a look at the cells of a file without types of its own found. */
function retyped(
  seen: SeenUnit,
  before: readonly Column[],
  after: readonly Column[],
  types: ReadonlyMap<string, string> | undefined,
): readonly Change[] {
  const told = retypedColumns(seen, before);
  const looked = before.flatMap((column) => {
    const type = types?.get(column.name);
    return type === undefined || type === column.type || told.some((one) => one.column === column)
      ? []
      : [{ column, type }];
  });
  return [...told, ...looked].map(({ column, type }) => {
    const common = commonType(column.type, type);
    const widened = after.find((one) => one.name === column.name)?.type !== column.type;
    return {
      what: common === column.type ? 'type_narrowed' : common === undefined ? 'type_changed' : 'type_widened',
      column: column.name,
      from: column.type,
      to: type,
      action: widened ? 'widened' : 'cast',
      file: seen.unit.path,
      rows: seen.inspection.records,
    };
  });
}

/** Only where all columns are there and none is new; a CSV file that was never in the table's order is no news every day, so it is kept quiet. */
function reordered(seen: SeenUnit, before: readonly Column[]): readonly Change[] {
  const { header } = seen.inspection;
  if (header === undefined) return [];
  const wanted = before
    .filter((column) => column.name !== SOURCE_FILE_COLUMN)
    .map((column) => column.name.toLowerCase());
  const has = header.map((name) => name.toLowerCase());
  const same = wanted.length === has.length && wanted.every((name) => has.includes(name));
  if (!same || wanted.every((name, index) => name === has[index])) return [];
  const { path: file } = seen.unit;
  return [{ what: 'columns_reordered', to: header.join(', '), action: 'by_name', file, rows: seen.inspection.records }];
}

/** Whether a table's definition holds the column's name as a word: a hint, not a lineage. */
function names(graph: Graph, table: string, { column }: Change): boolean {
  if (column === undefined) return false;
  const node = graph.byKey.get(table);
  if (node === undefined) return false;
  const words: readonly string[] =
    JSON.stringify(node.spec)
      .toLowerCase()
      .match(/[\p{L}\p{N}_]+/gu) ?? [];
  return words.includes(column.toLowerCase());
}

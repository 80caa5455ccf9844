import { type AskedEnrich, keyColumnsOf, looksIntoTable, type TableEnrich } from '../model/enrich.ts';
import type { SilverSpec } from '../model/project.ts';
import { type Columns, knownColumn, meant, namesIn, placeable, type Situation, tablesIn } from './named-parts.ts';
import { type Path, problemAt } from './tree.ts';

type ColumnsOf = (spec: SilverSpec) => Columns | undefined;

/** What lookups name: columns of the row (of the source, selected, or added by a lookup before), other tables and their columns. */
export function knownLookups(situation: Situation, name: string, spec: SilverSpec, columnsOf: ColumnsOf): void {
  const { enrich = [], ...rest } = spec;
  const before = columnsOf({ ...rest, history: false });
  let columns = before;
  for (const [index, one] of enrich.entries()) {
    const base = ['silver', name, 'enrich', index];
    const place = looksIntoTable(one) ? placeable(situation.tree, base, 'on') : placeable(situation.tree, base, 'url');
    if (columns !== undefined) {
      for (const column of keyColumnsOf(one)) knownColumn(situation, place, column, columns, `silver.${name}`);
      newColumns(situation, base, Object.keys(one.add), columns);
      columns = new Map([...columns, ...Object.keys(one.add).map((column) => [column.toLowerCase(), column] as const)]);
    }
    if (looksIntoTable(one)) knownTable(situation, name, index, one, columnsOf);
    else knownConnection(situation, [...base, 'connection'], one);
  }
}

/** The connection that is asked exists, and is of a type that the lookup can use. */
function knownConnection({ tree, shape, components, problems }: Situation, path: Path, one: AskedEnrich): void {
  const { connection, lookup } = one;
  if (connection === undefined) return;
  const names = namesIn(tree, 'connections');
  const type = shape.connections[connection]?.type;
  const types = components.lookups.get(lookup)?.connection_types ?? [];
  const refer = (message: string, more = {}): void =>
    void problems.push(problemAt(tree, path, message, { code: 'E_CONFIG_REFERENCE', ...more }));
  if (!names.includes(connection)) refer(`there is no connection ${connection}`, meant(connection, names));
  else if (type !== undefined && !types.includes(type))
    refer(`${connection} is a connection of type ${type}; lookup: ${lookup} needs ${types.join(' or ')}`);
}

function newColumns(
  { tree, problems }: Situation,
  base: readonly (string | number)[],
  added: readonly string[],
  columns: Columns,
): void {
  for (const column of added.filter((one) => columns.has(one.toLowerCase())))
    problems.push(problemAt(tree, [...base, 'add', column], `the row has a column ${column} already`, { at: 'key' }));
}

function knownTable(
  situation: Situation,
  name: string,
  index: number,
  { table, on, add }: TableEnrich,
  columnsOf: ColumnsOf,
): void {
  const { tree, shape, problems } = situation;
  const base = ['silver', name, 'enrich', index];
  const known = tablesIn(tree);
  const path = [...base, 'table'];
  if (!known.includes(table)) {
    const message = `there is no table ${table}`;
    problems.push(problemAt(tree, path, message, { code: 'E_CONFIG_REFERENCE', ...meant(table, known) }));
    return;
  }
  const target = table.startsWith('silver.') ? shape.silver[table.slice('silver.'.length)] : undefined;
  const columns = target === undefined ? undefined : columnsOf(target);
  if (columns === undefined) return;
  for (const [column, other] of Object.entries(on))
    knownColumn(situation, [...base, 'on', column], other, columns, table);
  for (const [column, { from }] of Object.entries(add))
    knownColumn(situation, [...base, 'add', column], from, columns, table);
}

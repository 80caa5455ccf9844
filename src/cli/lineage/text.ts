import type { LineageReport } from '../../app/explain/show-lineage.ts';
import { isDirect, type Way } from '../../core/lineage/origins.ts';
import type { ColumnEdge, Direction, TableLineage } from '../../core/lineage/project-lineage.ts';
import { escapeControls } from '../../kit/terminal-text.ts';
import { type Branch, drawTree } from './tree.ts';

/** The lineage for people: trees of tables, or of columns. */
export function lineageText(report: LineageReport, columns: boolean, ascii: boolean): readonly string[] {
  const lines = bodyOf(report, columns, ascii);
  const unresolved = report.tables.filter((table) => table.unresolved.length > 0);
  if (unresolved.length > 0) lines.push('', 'not resolved (origins may be missing):');
  for (const table of unresolved) for (const what of table.unresolved) lines.push(`  ${table.table}: ${what}`);
  return lines.map(escapeControls);
}

function bodyOf(report: LineageReport, columns: boolean, ascii: boolean): string[] {
  const { target } = report;
  const ways: readonly Direction[] = report.direction === undefined ? ['upstream', 'downstream'] : [report.direction];
  if (target?.column !== undefined) {
    const start = { table: target.table, column: target.column };
    return ways.flatMap((way, index) => [...(index > 0 ? [''] : []), ...columnTree(report, start, way, ascii)]);
  }
  const chosen = target === undefined ? report.tables : report.tables.filter((one) => one.table === target.table);
  if (columns) return chosen.flatMap((table, index) => [...(index > 0 ? [''] : []), ...columnList(table, ascii)]);
  if (target === undefined) return [...wholeProject(report, ascii)];
  return ways.flatMap((way, index) => [...(index > 0 ? [''] : []), ...tableTree(report, target.table, way, ascii)]);
}

function tableTree(report: LineageReport, table: string, way: Direction, ascii: boolean): readonly string[] {
  const branch = tableBranch(report, table, way);
  const head = `${table} ${way === 'upstream' ? 'comes from' : 'goes into'}:`;
  return branch.below.length === 0 ? [`${head} nothing`] : [head, ...drawTree(branch, ascii).slice(1)];
}

/** Everything, from the sources on. */
function wholeProject(report: LineageReport, ascii: boolean): readonly string[] {
  const seen = new Set<string>();
  const roots = report.tables.filter((table) => table.inputs.length === 0);
  return roots.flatMap((root) => drawTree(tableBranch(report, root.table, 'downstream', seen), ascii));
}

function tableBranch(report: LineageReport, table: string, direction: Direction, seen = new Set<string>()): Branch {
  const [near, far] = direction === 'upstream' ? (['to', 'from'] as const) : (['from', 'to'] as const);
  const edges = report.edges.filter((edge) => edge[near] === table);
  if (seen.has(table)) return { label: edges.length === 0 ? table : `${table} (above)`, below: [] };
  seen.add(table);
  const below = edges.map((edge) => {
    // Downstream only rows are followed: what a rule looks into gives no rows.
    if (edge.kind === 'reference' && direction === 'downstream')
      return { label: `${edge.to} (looks into it)`, below: [] };
    const branch = tableBranch(report, edge[far], direction, seen);
    return edge.kind === 'rows' ? branch : { ...branch, label: `${branch.label} (looked into)` };
  });
  return { label: table, below };
}

type Place = ColumnEdge['from'];

/** Values first; what only decides about rows stands below them, without being followed further. */
function columnTree(report: LineageReport, start: Place, direction: Direction, ascii: boolean): readonly string[] {
  const head = `${start.table}.${start.column} ${direction === 'upstream' ? 'comes from' : 'goes into'}:`;
  const seen = new Set<string>();
  const below = columnBranches(report, start, direction, seen);
  if (below.length === 0) return [`${head} nothing`];
  const stops = report.column_edges.some((edge) => !isDirect(edge.way));
  const tree = drawTree({ label: '', below }, ascii).slice(1);
  return [head, ...tree, ...(stops ? [NOT_FOLLOWED] : [])];
}

const NOT_FOLLOWED = 'columns that only decide (join, filter, sort ...) are not followed further';

function columnBranches(
  report: LineageReport,
  place: Place,
  direction: Direction,
  seen: Set<string>,
): readonly Branch[] {
  const [near, far] = direction === 'upstream' ? (['to', 'from'] as const) : (['from', 'to'] as const);
  const key = (one: Place): string => `${one.table}.${one.column}`;
  const found = new Map<string, { place: Place; ways: Way[] }>();
  for (const edge of report.column_edges) {
    if (edge[near].table !== place.table || edge[near].column !== place.column) continue;
    const known = found.get(key(edge[far])) ?? { place: edge[far], ways: [] };
    if (!known.ways.includes(edge.way)) known.ways.push(edge.way);
    found.set(key(edge[far]), known);
  }
  const values = [...found.values()].filter((one) => one.ways.some(isDirect));
  const influences = [...found.values()].filter((one) => !one.ways.some(isDirect));
  return [...values, ...influences].map((one) => {
    const label = `${key(one.place)}${wordsOf(one.ways)}`;
    const value = one.ways.some(isDirect);
    if (!value) return { label, below: [] };
    if (seen.has(key(one.place))) return { label: `${label} (above)`, below: [] };
    seen.add(key(one.place));
    return { label, below: columnBranches(report, one.place, direction, seen) };
  });
}

function wordsOf(ways: readonly Way[]): string {
  return ways.every((way) => way === 'identity') ? '' : ` (${ways.join(', ')})`;
}

/** Each column with the columns one step before it. */
function columnList(table: TableLineage, ascii: boolean): readonly string[] {
  const branches = table.columns.map((column) => ({
    label: `${column.name}${table.types[column.name] === undefined ? '' : `  ${table.types[column.name]}`}`,
    below: groupedOrigins(column.origins),
  }));
  const rows = groupedOrigins(table.rows);
  const all = rows.length === 0 ? branches : [...branches, { label: '(which rows there are)', below: rows }];
  return drawTree({ label: table.table, below: all }, ascii);
}

function groupedOrigins(origins: TableLineage['rows']): readonly Branch[] {
  const ways = new Map<string, Way[]>();
  for (const origin of origins) {
    const name = `${origin.table}.${origin.column}`;
    ways.set(name, [...(ways.get(name) ?? []), origin.way]);
  }
  return [...ways].map(([name, found]) => ({ label: `${name}${wordsOf(found)}`, below: [] }));
}

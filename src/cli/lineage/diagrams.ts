import type { LineageReport } from '../../app/explain/show-lineage.ts';
import { isDirect } from '../../core/lineage/origins.ts';
import type { TableLineage } from '../../core/lineage/project-lineage.ts';

/** A Mermaid flowchart of the tables, or with `columns` of their columns (dotted lines are influences). */
export function lineageMermaid(report: LineageReport, columns: boolean): string {
  const lines = ['flowchart LR'];
  const tables = new Map(report.tables.map((table, index) => [table.table, { table, id: `t${index}` }]));
  for (const { table, id } of tables.values()) {
    if (!columns) lines.push(`  ${id}["${mermaidText(table.table)}"]`);
    else {
      lines.push(`  subgraph ${id}["${mermaidText(table.table)}"]`);
      for (const [index, name] of shownColumns(report, table)) lines.push(`    ${id}c${index}["${mermaidText(name)}"]`);
      lines.push('  end');
    }
  }
  for (const edge of edgesOf(report, columns)) {
    lines.push(`  ${edge.from} ${edge.solid ? '-->' : '-.->'} ${edge.to}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A graph for Graphviz. */
export function lineageDot(report: LineageReport, columns: boolean): string {
  const lines = ['digraph lineage {', '  rankdir=LR;', '  node [shape=box, fontname="sans-serif"];'];
  for (const [position, table] of report.tables.entries()) {
    if (!columns) lines.push(`  t${position} [label="${dotText(table.table)}"];`);
    else {
      lines.push(`  subgraph cluster_t${position} {`, `    label="${dotText(table.table)}";`);
      for (const [index, name] of shownColumns(report, table))
        lines.push(`    t${position}c${index} [label="${dotText(name)}"];`);
      lines.push('  }');
    }
  }
  for (const edge of edgesOf(report, columns)) {
    lines.push(`  ${edge.from} -> ${edge.to}${edge.solid ? '' : ' [style=dashed]'};`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

interface Line {
  readonly from: string;
  readonly to: string;
  readonly solid: boolean;
}

/** Lines between ids: `t3` is the fourth table, `t3c0` its first column. Of two lines between the same ends the solid one stays. */
function edgesOf(report: LineageReport, columns: boolean): readonly Line[] {
  const found = new Map<string, Line>();
  const put = (from: string | undefined, to: string | undefined, solid: boolean): void => {
    if (from === undefined || to === undefined) return;
    const known = found.get(`${from} ${to}`);
    found.set(`${from} ${to}`, { from, to, solid: solid || known?.solid === true });
  };
  const tables = new Map(report.tables.map((table, index) => [table.table, { table, id: `t${index}` }]));
  if (!columns) {
    for (const edge of report.edges) put(tables.get(edge.from)?.id, tables.get(edge.to)?.id, edge.kind === 'rows');
    return [...found.values()];
  }
  const idOf = (place: { readonly table: string; readonly column: string }): string | undefined => {
    const one = tables.get(place.table);
    const index = one?.table.columns.findIndex((column) => column.name.toLowerCase() === place.column.toLowerCase());
    return one === undefined || index === undefined || index < 0 ? undefined : `${one.id}c${index}`;
  };
  for (const edge of report.column_edges) put(idOf(edge.from), idOf(edge.to), isDirect(edge.way));
  return [...found.values()];
}

/** All columns of a table; for the lineage of one column only those that it touches. */
function shownColumns(report: LineageReport, table: TableLineage): readonly (readonly [number, string])[] {
  const all = table.columns.map((column, index) => [index, column.name] as const);
  if (report.target?.column === undefined) return all;
  const { target } = report;
  const touched = new Set(
    [
      ...report.column_edges.flatMap((edge) => [edge.from, edge.to]),
      { table: target.table, column: target.column ?? '' },
    ]
      .filter((place) => place.table === table.table)
      .map((place) => place.column.toLowerCase()),
  );
  return all.filter(([, name]) => touched.has(name.toLowerCase()));
}

function mermaidText(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._()%-]/gu, (char) => `#${char.codePointAt(0)};`);
}

function dotText(text: string): string {
  return text.replace(/[\\"]/g, (char) => `\\${char}`).replace(/[\r\n]/g, ' ');
}

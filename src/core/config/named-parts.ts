import { closest } from '../../kit/closest.ts';
import type { DataflowError } from '../errors/dataflow-error.ts';
import type { Layer } from '../model/table.ts';
import type { Components } from './components.ts';
import type { ProjectShape } from './schema.ts';
import { type ConfigTree, isContainer, type Path, problemAt } from './tree.ts';

/** What the rules that span several tables look at, and where they report. */
export interface Situation {
  readonly tree: ConfigTree;
  readonly shape: ProjectShape;
  readonly components: Components;
  readonly problems: DataflowError[];
}

/** Column names by their lower-case form. */
export type Columns = ReadonlyMap<string, string>;

/** Reports a column that the table does not have. */
export function knownColumn(
  { tree, problems }: Situation,
  path: Path,
  column: string,
  known: Columns,
  table: string,
): void {
  if (known.has(column.toLowerCase())) return;
  const hint = meant(column, [...known.values()]);
  problems.push(problemAt(tree, path, `${table} has no column ${column}`, { code: 'E_CONFIG_REFERENCE', ...hint }));
}

/** The first of the longer paths that exists in the text, else the path itself. */
export function placeable(tree: ConfigTree, path: Path, ...steps: readonly (string | number)[]): Path {
  let value: unknown = tree.root;
  for (const step of path) value = isContainer(value) ? (value as Record<PropertyKey, unknown>)[step] : undefined;
  for (const step of steps) {
    if (isContainer(value) && Array.isArray(value) === (typeof step === 'number') && Object.hasOwn(value, step))
      return [...path, step];
  }
  return path;
}

/** Names defined in a section, right or wrong. */
export function namesIn(tree: ConfigTree, section: string): readonly string[] {
  const map = tree.root[section];
  return isContainer(map) ? Object.keys(map) : [];
}

/** Where the tables of a layer are defined. */
export function sectionOf(layer: Layer): string {
  return layer === 'bronze' ? 'sources' : layer;
}

/** What may have been meant, or what there is. */
export function meant(word: string, known: readonly string[]): { readonly hint?: string } {
  const bare = word.slice(word.indexOf('.') + 1);
  const guess = known.includes(bare) ? bare : (closest(word, known) ?? known.find((name) => name.endsWith(`.${word}`)));
  if (guess !== undefined) return { hint: `Did you mean ${guess}?` };
  return known.length === 0 ? {} : { hint: `Known: ${known.slice(0, 30).join(', ')}.` };
}

/** Every table that the configuration defines. */
export function tablesIn(tree: ConfigTree): readonly string[] {
  return (['bronze', 'silver', 'gold'] as const).flatMap((layer) =>
    namesIn(tree, sectionOf(layer)).map((name) => `${layer}.${name}`),
  );
}

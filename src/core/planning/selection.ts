import { closest } from '../../kit/closest.ts';
import { matchesGlob } from '../../kit/glob.ts';
import { DataflowError } from '../errors/dataflow-error.ts';
import { LAYERS } from '../model/table.ts';
import { type Graph, type Node, parentsOf } from './graph.ts';

export interface Selection {
  /** `--select` words; a space means "or", a comma inside a word means "and". Empty = everything. */
  readonly select: readonly string[];
  readonly exclude: readonly string[];
  /** `--from`: only these and what comes after them, same grammar. Empty or absent = no limit. */
  readonly from?: readonly string[];
  /** `--until`: only these and what they need, same grammar. With `from`: what lies between. */
  readonly until?: readonly string[];
  /** Exactly these steps, whatever else is said; names that the project no longer has are passed over. */
  readonly keys?: ReadonlySet<string>;
  /** Layer named on the command line (`run silver`). */
  readonly layer?: string;
  /** Status of each step in the last run, for `result:` (`result:fail`). */
  readonly results?: ReadonlyMap<string, string>;
}

/**
 * Picks steps by dbt's node selection grammar: names with `*`, `+model`, `model+`, `2+model+1`, `@model`, `tag:x`, `path:…`
 * (file of the SQL), `source:x`, `layer:gold`, `result:failed`; `a,b` intersects, several words unite.
 * @throws DataflowError E_SELECTION when a word matches nothing or cannot be read.
 */
export function selectNodes(graph: Graph, selection: Selection): ReadonlySet<string> {
  let chosen = new Set(graph.nodes.map((node) => node.key).filter((key) => selection.keys?.has(key) !== false));
  if (selection.layer !== undefined) {
    if (!(LAYERS as readonly string[]).includes(selection.layer)) {
      throw new DataflowError('E_USAGE', `there is no layer "${selection.layer}"`, {
        hint: graph.nodes.some(({ key, name }) => [key, name].includes(selection.layer ?? ''))
          ? `Tables are named with --select ${selection.layer}.`
          : `Name one of ${LAYERS.join(', ')}, or use --select.`,
      });
    }
    chosen = new Set([...chosen].filter((key) => key.startsWith(`${selection.layer}.`)));
  }
  if (selection.select.length > 0) {
    const wanted = union(graph, selection.select, selection);
    chosen = new Set([...chosen].filter((key) => wanted.has(key)));
  }
  for (const [words = [], way] of [
    [selection.from, 'down'],
    [selection.until, 'up'],
  ] as const) {
    if (words.length === 0) continue;
    const ends = union(graph, words, selection);
    const reached = new Set([...ends, ...walk(graph, ends, way, Number.POSITIVE_INFINITY)]);
    chosen = new Set([...chosen].filter((key) => reached.has(key)));
  }
  if (chosen.size === 0 && selection.from?.length && selection.until?.length) {
    throw new DataflowError(
      'E_SELECTION',
      `no table lies between ${selection.from.join(' ')} and ${selection.until.join(' ')}`,
      { hint: 'See what comes after what with: dataflow lineage' },
    );
  }
  if (selection.exclude.length > 0) {
    const unwanted = union(graph, selection.exclude, selection);
    chosen = new Set([...chosen].filter((key) => !unwanted.has(key)));
  }
  return chosen;
}

function union(graph: Graph, words: readonly string[], selection: Selection): ReadonlySet<string> {
  const found = new Set<string>();
  for (const word of words.flatMap((text) => text.split(/\s+/)).filter((text) => text !== '')) {
    const parts = word.split(',').map((part) => matchWord(graph, part, selection));
    const [first, ...others] = parts;
    for (const key of first ?? []) if (others.every((set) => set.has(key))) found.add(key);
  }
  return found;
}

const WORD = /^(@)?(?:(\d*)(\+))?([^+@]+)(?:(\+)(\d*))?$/;

function matchWord(graph: Graph, word: string, selection: Selection): ReadonlySet<string> {
  const match = WORD.exec(word);
  if (!match?.[4]) {
    throw new DataflowError('E_SELECTION', `cannot read the selection "${word}"`, {
      hint: 'Examples: achats, +gold.kpi_*, tag:daily, silver.clients+, path:models/x.sql.',
    });
  }
  const base = new Set(graph.nodes.filter((node) => matches(node, match[4] ?? '', selection)).map((node) => node.key));
  if (base.size === 0) throw noMatch(graph, word, match[4]);
  const found = new Set(base);
  const depth = (digits: string | undefined): number => (digits ? Number(digits) : Number.POSITIVE_INFINITY);
  if (match[3] || match[1]) for (const key of walk(graph, base, 'up', depth(match[2]))) found.add(key);
  if (match[5] || match[1]) for (const key of walk(graph, base, 'down', depth(match[6]))) found.add(key);
  if (match[1]) for (const key of walk(graph, found, 'up', Number.POSITIVE_INFINITY)) found.add(key);
  return found;
}

function noMatch(graph: Graph, word: string, name: string): DataflowError {
  const sources = graph.nodes.filter((node) => node.layer === 'bronze').map((node) => node.name);
  if (name.startsWith('source:') && sources.length > 0) {
    const hint = `Sources are ${sources.join(', ')}.`;
    return new DataflowError('E_SELECTION', `"${word}" matches no source of this project`, { hint });
  }
  const near = closest(
    name,
    graph.nodes.flatMap((node) => [node.key, node.name]),
  );
  return new DataflowError('E_SELECTION', `"${word}" matches no table of this project`, {
    ...(near === undefined ? {} : { hint: `Did you mean ${near}? \`dataflow plan --all\` lists the tables.` }),
  });
}

function matches(node: Node, pattern: string, selection: Selection): boolean {
  const colon = pattern.indexOf(':');
  const method = colon < 0 ? '' : pattern.slice(0, colon);
  const value = pattern.slice(colon + 1);
  switch (method) {
    case '':
      return matchesGlob(value, node.key) || matchesGlob(value, node.name);
    case 'tag':
      return node.tags.some((tag) => matchesGlob(value, tag));
    case 'layer':
      return node.layer === value;
    case 'source':
      return node.layer === 'bronze' && matchesGlob(value, node.name);
    case 'path':
      return node.layer === 'gold' && matchesPath(value, node.spec.sql_file);
    case 'result':
      return selection.results?.get(node.key) === (RESULT_WORDS.get(value) ?? value);
    default:
      throw new DataflowError('E_SELECTION', `there is no selection method "${method}:"`, {
        hint: 'Methods: tag:, layer:, source:, path:, result:.',
      });
  }
}

/** dbt's words for results beside ours. */
const RESULT_WORDS = new Map([
  ['error', 'failed'],
  ['fail', 'failed'],
  ['success', 'succeeded'],
]);

function matchesPath(value: string, file: string): boolean {
  const path = file.replaceAll('\\', '/');
  const wanted = value.replace(/\/+$/, '');
  return matchesGlob(`*${wanted}`, path) || path.includes(`/${wanted}/`) || path.startsWith(`${wanted}/`);
}

function walk(graph: Graph, from: ReadonlySet<string>, way: 'up' | 'down', depth: number): ReadonlySet<string> {
  const found = new Set<string>();
  let edge: ReadonlySet<string> = from;
  for (let level = 0; level < depth && edge.size > 0; level++) {
    const next = new Set<string>();
    for (const node of graph.nodes) {
      if (way === 'up' && edge.has(node.key)) for (const parent of parentsOf(node)) next.add(parent);
      if (way === 'down' && parentsOf(node).some((parent) => edge.has(parent))) next.add(node.key);
    }
    edge = new Set([...next].filter((key) => !found.has(key) && graph.byKey.has(key)));
    for (const key of edge) found.add(key);
  }
  return found;
}

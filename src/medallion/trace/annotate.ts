import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { child, children, optional, type SyntaxNode, some, withOf, word, words } from '../../core/lineage/syntax.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { type Annotated, type Annotating, type Link, POSITION_ID, type Source, type WindowReach } from './annotated.ts';
import { evaluate, once, opaque, plainNames, renamed, type Scope, sourcesIn, standsAlone } from './evaluate.ts';
import { finish, hasFinish, orderItems } from './finish.ts';
import { allUnder, linksOf, type Occurrence } from './links.ts';
import { disturbedBy, movesOf } from './moves.ts';
import {
  columnRef,
  groupKeys,
  HIDDEN,
  mapNodes,
  nameOfTable,
  PLAIN_SELECT,
  queriesIn,
  reference,
  windowsIn,
  withNames,
} from './rewrite.ts';
import { windowReach } from './windows.ts';

/**
 * Evaluates a query with the origin of each row. What cannot be followed row by row (recursion, what a correlated sub-query reads) is
 * linked to all rows of its tables, so that no row that contributed is ever left out.
 */
export async function annotate(context: Annotating, node: SyntaxNode, scope: Scope = new Map()): Promise<Annotated> {
  const within = new Map(scope);
  for (const { name, value } of withOf(node)) {
    const query = child(value, 'query');
    const inner = query === undefined ? undefined : child(query, 'node');
    if (inner === undefined) continue;
    const outer = new Map(within);
    within.set(
      name.toLowerCase(),
      once(async () => renamed(context, await annotate(context, inner, outer), words(value, 'aliases'))),
    );
  }
  const bare = { ...node, cte_map: { map: [] } };
  const type = word(node, 'type');
  try {
    if (type === 'SELECT_NODE') return await annotateSelect(context, bare, within);
    if (type === 'SET_OPERATION_NODE') return await annotateSet(context, bare, within);
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_SQL') throw error;
  }
  return opaque(context, node, scope, 'a part of the SQL cannot be followed row by row');
}

async function annotateSelect(context: Annotating, node: SyntaxNode, scope: Scope): Promise<Annotated> {
  const from = child(node, 'from_table');
  if (some(node, (one) => one['class'] === 'STAR' && one['columns'] === true) || child(node, 'sample') !== undefined)
    return opaque(context, node, scope, 'columns(…) or a sample');
  const occurrences: Occurrence[] = [];
  const sides: SyntaxNode[] = [];
  const tracked = from === undefined ? undefined : await trackFrom(context, from, scope, occurrences, sides, true);
  const names = await plainNames(context, node, scope);
  const keys = groupKeys(node, context.aggregates);
  const items = children(node, 'select_list');
  const windows = [...items, ...optional(node, 'qualify'), ...orderItems(node)].flatMap(windowsIn);
  const reaches = windows.map((window, index) => windowReach(window, index));
  const extra = [...reaches.flatMap((one) => one.items), ...(hasFinish(node) ? finish.items(node) : [])];
  const core = { ...node, modifiers: [], qualify: null };
  const known = keys === undefined || keys === 'unclear' ? [] : keys;
  const hiddenKeys = known.map((key, index) => ({ ...key, alias: `${HIDDEN}k${index}` }));
  const ids = occurrences.filter((one) => one.readable).map((one) => columnRef(one.id, `${one.id}h`));
  const own =
    keys === undefined
      ? { ...core, from_table: tracked ?? from, select_list: [...items, ...extra, ...ids] }
      : { ...core, select_list: [...items, ...extra, ...hiddenKeys] };
  const { relation, columns } = await evaluate(context, withNames(own, names));
  const links = await linksOf(context, { node, tracked, names, items, hiddenKeys, keys, occurrences, ids });
  const others = [...items, ...['where_clause', 'having', 'qualify'].flatMap((key) => optional(node, key)), ...sides];
  const looked = await lookedInto(context, others, scope);
  const queries = occurrences.flatMap(({ source }) => ('query' in source ? [source.query] : []));
  const disturbing = queries.filter((one) => disturbedBy(node, one, context.aggregates));
  const moves = movesOf(node, queries, context.aggregates);
  const made: Annotated = {
    relation,
    columns,
    links: [...links, ...looked, ...disturbing.flatMap(allUnder)],
    ...(moves !== 'rows' && moves.size === 0 ? {} : { moves }),
    windows: reaches.map((one): WindowReach => one.reach),
    at_most: [
      ...(windows.length > 0 ? ['window functions look at other rows'] : []),
      ...(looked.length > 0 ? ['sub-queries in conditions or values'] : []),
      ...(disturbing.length > 0 ? ['rows that a nested part may move'] : []),
      ...(keys === 'unclear' ? ['groups whose keys cannot be told'] : []),
    ],
  };
  return hasFinish(node) ? finish.apply(context, node, made) : made;
}

/** Sub-queries of conditions and values: all rows that a free one yields, all rows that a correlated one can read. */
async function lookedInto(context: Annotating, parts: readonly SyntaxNode[], scope: Scope): Promise<readonly Link[]> {
  const links: Link[] = [];
  for (const query of parts.flatMap(queriesIn)) {
    for (const source of await freeOrTables(context, query, scope)) {
      links.push(...('query' in source ? allUnder(source.query) : [{ kind: 'all' as const, source }]));
    }
  }
  return links;
}

async function freeOrTables(context: Annotating, query: SyntaxNode, scope: Scope): Promise<readonly Source[]> {
  if (await standsAlone(context, query, scope)) return [{ query: await annotate(context, query, scope) }];
  return sourcesIn(context, query, scope);
}

/** FROM with every table and query replaced by a view that adds an id to each row; expressions in it go to `sides`. */
async function trackFrom(
  context: Annotating,
  node: SyntaxNode,
  scope: Scope,
  found: Occurrence[],
  sides: SyntaxNode[],
  readable: boolean,
): Promise<SyntaxNode> {
  const type = word(node, 'type');
  if (type === 'JOIN') {
    sides.push(...optional(node, 'condition'));
    const [left, right] = [child(node, 'left'), child(node, 'right')];
    if (left === undefined || right === undefined) return node;
    const far = ['SEMI', 'ANTI'].includes(word(node, 'join_type'));
    return {
      ...node,
      left: await trackFrom(context, left, scope, found, sides, readable),
      right: await trackFrom(context, right, scope, found, sides, readable && !far),
    };
  }
  if (type === 'BASE_TABLE') {
    const query = scope.get(nameOfTable(node));
    const bound = context.tables.get(nameOfTable(node));
    if (query !== undefined) return tracked(context, node, { query: await query() }, found, readable);
    return bound === undefined ? node : tracked(context, node, { table: nameOfTable(node) }, found, readable);
  }
  const query = child(node, 'subquery');
  const inner = query === undefined ? undefined : child(query, 'node');
  if (type === 'SUBQUERY' && inner !== undefined && (await standsAlone(context, inner, scope)))
    return tracked(context, node, { query: await annotate(context, inner, scope) }, found, readable);
  // A lateral query or a function: it stays, and whatever it reads may matter.
  for (const source of await sourcesIn(context, node, scope)) found.push({ source, id: '', readable: false });
  return node;
}

async function tracked(
  context: Annotating,
  node: SyntaxNode,
  source: Source,
  found: Occurrence[],
  readable: boolean,
): Promise<SyntaxNode> {
  const view = context.fresh('o');
  const id = `${view}r`;
  if ('query' in source) {
    const list = source.query.columns.map(quoteIdent).join(', ');
    await context.session.define(view, `select ${list}, rowid as ${id} from ${source.query.relation}`);
  } else {
    const bound = context.tables.get(source.table);
    const list = (bound?.columns ?? []).map(quoteIdent).join(', ');
    await context.session.define(view, `select ${list}, ${POSITION_ID} as ${id} from ${bound?.positioned ?? ''}`);
  }
  found.push({ source, id, readable });
  return reference(node, view);
}

async function annotateSet(context: Annotating, node: SyntaxNode, scope: Scope): Promise<Annotated> {
  const parts: Annotated[] = [];
  const type = word(node, 'setop_type');
  const side = async (key: string): Promise<SyntaxNode> => {
    const inner = child(node, key);
    if (inner === undefined) throw new DataflowError('E_SQL', 'a set operation without two sides');
    const part = await annotate(context, inner, scope);
    parts.push(part);
    const list = part.columns.map((column) => columnRef(column));
    return { ...PLAIN_SELECT, select_list: list, from_table: reference({ alias: 's' }, part.relation) };
  };
  const whole = mapNodes(
    { ...node, left: await side('left'), right: await side('right'), modifiers: [] },
    () => undefined,
  );
  const { relation, columns } = await evaluate(context, whole);
  const links = parts.map((part, index): Link => {
    const pairs = type === 'UNION_BY_NAME' ? sameNames(columns, part.columns) : samePlaces(columns, part.columns);
    if (type === 'EXCEPT' && index > 0) return { kind: 'all', source: { query: part } };
    return { kind: 'values', source: { query: part }, columns: pairs, exact: pairs.length === columns.length };
  });
  const at_most = type === 'EXCEPT' ? ['rows taken away by except'] : [];
  const moves = type === 'EXCEPT' || parts.some((part) => part.moves !== undefined) ? { moves: 'rows' as const } : {};
  const made: Annotated = { relation, columns, links, windows: [], at_most, ...moves };
  return hasFinish(node) ? finish.apply(context, node, made) : made;
}

function samePlaces(own: readonly string[], part: readonly string[]): readonly (readonly [string, string])[] {
  return own.flatMap((column, index) => (part[index] === undefined ? [] : [[column, part[index]] as const]));
}

function sameNames(own: readonly string[], part: readonly string[]): readonly (readonly [string, string])[] {
  return own.flatMap((column) => {
    const other = part.find((one) => one.toLowerCase() === column.toLowerCase());
    return other === undefined ? [] : [[column, other] as const];
  });
}

import { matchesGlob } from '../../kit/glob.ts';
import type { RouteSpec } from '../model/serve.ts';
import { clockReadIn, tablesNamedIn, unsteadyIn } from '../planning/sql-refs.ts';
import { meant, type Situation, tablesIn } from './named-parts.ts';
import { problemAt } from './tree.ts';

/** What `serve:` names exists: tables, and the parameters of queries. */
export function knownServe({ tree, shape, problems }: Situation): void {
  const { serve } = shape;
  if (serve === undefined) return;
  const tables = tablesIn(tree);
  const refer = (path: readonly (string | number)[], message: string, hint: { readonly hint?: string } = {}): void =>
    void problems.push(problemAt(tree, ['serve', ...path], message, { code: 'E_CONFIG_REFERENCE', ...hint }));
  for (const [i, pattern] of serve.tables.entries())
    if (!pattern.startsWith('quarantine.') && !tables.some((table) => matchesGlob(pattern, table)))
      refer(['tables', i], `${pattern} matches no table`, meant(pattern, tables));
  for (const [path, route] of Object.entries(serve.routes)) {
    if (route.table !== undefined && !tables.includes(route.table))
      refer(['routes', path, 'table'], `there is no table ${route.table}`, meant(route.table, tables));
    for (const table of tablesNamedIn(route.sql ?? ''))
      if (!table.startsWith('quarantine.') && !tables.includes(table))
        refer(['routes', path, 'sql'], `there is no table ${table}`, meant(table, tables));
    for (const { at, message } of paramProblems(route)) refer(['routes', path, ...at], message);
  }
}

/** Names of parameters that an SQL text holds, in order of first appearance. */
export function paramsNamedIn(sql: string): readonly string[] {
  const text = sql.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"/g, ' ');
  return [...new Set([...text.matchAll(/\$([A-Za-z_]\w*)/g)].map(([, name = '']) => name))];
}

function paramProblems(route: RouteSpec): readonly { readonly at: readonly string[]; readonly message: string }[] {
  const named = paramsNamedIn(route.sql ?? '');
  const found: { at: string[]; message: string }[] = [];
  for (const name of named)
    if (!Object.hasOwn(route.params, name)) found.push({ at: ['sql'], message: `$${name} is not among params:` });
  for (const [name, { type, default: fallback }] of Object.entries(route.params)) {
    if (!named.includes(name)) found.push({ at: ['params', name], message: `the query does not name $${name}` });
    if (fallback === 'latest' && type !== 'date' && type !== 'timestamp' && type !== 'varchar')
      found.push({ at: ['params', name, 'default'], message: 'latest is for dates and times' });
  }
  const unsteady = unsteadyIn(route.sql ?? '') ?? clockReadIn(route.sql ?? '');
  if (unsteady !== undefined)
    found.push({
      at: ['sql'],
      message: `${unsteady} gives something else at every call: an answer belongs to a release`,
    });
  const taken = [...Object.keys(route.params), ...Object.keys(route.filters), ...Object.values(route.ranges).flat()];
  const twice = taken.find((name, i) => taken.indexOf(name) !== i);
  if (twice !== undefined) found.push({ at: [], message: `the parameter ${twice} is declared twice` });
  if (route.pipeline !== undefined && taken.length + route.order.length > 0)
    found.push({ at: ['pipeline'], message: 'what the ledger knows takes no parameters' });
  return found;
}

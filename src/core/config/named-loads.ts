import { matchesGlob } from '../../kit/glob.ts';
import type { LoadSpec } from '../model/load.ts';
import { meant, namesIn, type Situation, tablesIn } from './named-parts.ts';
import { problemAt } from './tree.ts';

type Refer = (path: readonly (string | number)[], message: string, hint?: { readonly hint?: string }) => void;

/** A load's connection takes releases in this way, its patterns match tables, and what is said of single tables is said of tables that it loads. */
export function knownLoad(situation: Situation, name: string): void {
  const { tree, shape, problems } = situation;
  const spec = shape.loads[name];
  if (spec === undefined) return;
  const refer: Refer = (path, message, hint = {}) =>
    problems.push(problemAt(tree, ['loads', name, ...path], message, { code: 'E_CONFIG_REFERENCE', ...hint }));
  const tables = tablesIn(tree);
  for (const [i, pattern] of spec.tables.entries())
    if (!tables.some((table) => matchesGlob(pattern, table)))
      refer(['tables', i], `${pattern} matches no table`, meant(pattern, tables));
  for (const table of Object.keys(spec.overrides))
    if (!spec.tables.some((pattern) => matchesGlob(pattern, table)) || !tables.includes(table))
      refer(['overrides', table], `${table} is not among the tables of this load`);
  const names = namesIn(tree, 'connections');
  const { connection } = spec;
  if (names.includes(connection)) ableConnection(situation, spec, refer);
  else refer(['connection'], `there is no connection ${connection}`, meant(connection, names));
}

function ableConnection({ shape, components }: Situation, spec: LoadSpec, refer: Refer): void {
  const { connection } = spec;
  const type = shape.connections[connection]?.type;
  if (type === undefined) return;
  const abilities = components.connections.get(type)?.loads;
  if (abilities === undefined) {
    refer(['connection'], `${connection} is a connection of type ${type}, into which nothing can be loaded`);
    return;
  }
  const modes = [
    { path: ['mode'], mode: spec.mode },
    ...Object.entries(spec.overrides).map(([table, { mode }]) => ({ path: ['overrides', table, 'mode'], mode })),
  ];
  for (const { path, mode } of modes)
    if (mode !== undefined && !abilities.modes.includes(mode))
      refer(path, `connections of type ${type} do not take mode ${mode}, but ${abilities.modes.join(' and ')}`);
  for (const key of ['schema', 'database'] as const)
    if (spec[key] !== undefined && abilities.within !== key) refer([key], `connections of type ${type} have no ${key}`);
  if (Object.keys(spec.views).length > 0 && abilities.views !== true)
    refer(['views'], `connections of type ${type} take no views`);
}

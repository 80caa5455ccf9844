import { matchesGlob } from '../../kit/glob.ts';
import { isFarLake } from '../planning/lake-place.ts';
import { meant, namesIn, type Situation, tablesIn } from './named-parts.ts';
import { problemAt } from './tree.ts';

/** A mirror's connection holds files for us, its patterns match tables, and no two mirrors share a place. */
export function knownMirror({ tree, shape, components, problems }: Situation, name: string): void {
  const spec = shape.mirrors[name];
  if (spec === undefined) return;
  const refer = (path: readonly (string | number)[], message: string, hint: { readonly hint?: string } = {}): void =>
    void problems.push(problemAt(tree, ['mirrors', name, ...path], message, { code: 'E_CONFIG_REFERENCE', ...hint }));
  if (isFarLake(shape)) {
    const hint = { hint: 'Let the system that keeps the lake copy it, or keep the lake in a folder and mirror that.' };
    refer([], 'a lake in s3:// or hdfs:// is not mirrored by this version', hint);
  }
  const tables = tablesIn(tree);
  for (const [i, pattern] of spec.tables.entries())
    if (!tables.some((table) => matchesGlob(pattern, table)))
      refer(['tables', i], `${pattern} matches no table`, meant(pattern, tables));
  const names = namesIn(tree, 'connections');
  const { connection } = spec;
  const type = shape.connections[connection]?.type;
  if (!names.includes(connection))
    refer(['connection'], `there is no connection ${connection}`, meant(connection, names));
  else if (type !== undefined && components.connections.get(type)?.stores !== true)
    refer(['connection'], `${connection} is a connection of type ${type}, to which nothing can be mirrored`);
  for (const [other, { connection: its, path }] of Object.entries(shape.mirrors)) {
    if (other === name) break;
    if (its === connection && (path ?? '') === (spec.path ?? ''))
      refer(['path'], `the mirror ${other} has the same place: give one of them another path`);
  }
}

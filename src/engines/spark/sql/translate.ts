import { type SyntaxNode, some, word, words } from '../../../core/lineage/syntax.ts';
import type { Dialect, DialectRefusal, DialectRequest, DialectResult } from '../../../core/ports/dialect.ts';
import type { EngineColumn } from '../../../core/ports/engine.ts';
import { renderType } from '../../../core/types/type-text.ts';
import type { Context, Query } from './context.ts';
import { expressionOf } from './expressions.ts';
import { TypeOracle } from './oracle.ts';
import { inTypes, queryOf } from './queries.ts';
import { OWN_SQL, placeIn, Refused } from './refusal.ts';
import { NO_SCOPE } from './scope.ts';
import { plain, REFUSED_TYPE, sameType, sparkType, typeOf } from './types.ts';
import { quoteName } from './words.ts';

/** A longer text would be one in which expressions were repeated too often. */
const TEXT_CHARS_MAX = 1_000_000;

/**
 * Spark's SQL (3.5 and 4, ANSI mode, session in UTC), printed from DuckDB's parse tree. The printer is the list of what is translated: a node, a function or a cast that it
 * does not know is refused, never passed on.
 */
export const sparkDialect: Dialect = { name: 'spark', translate, overNothing };

function overNothing(sql: string, tables: Parameters<Dialect['overNothing']>[1]): string {
  const empty = [...tables].map(([name, columns]) => {
    const list = columns.map((one) => `CAST(NULL AS ${sparkType(typeOf(one.type))}) AS ${quoteName(one.name)}`);
    return `${quoteName(name)} AS (SELECT ${list.join(', ')} WHERE FALSE)`;
  });
  const before = empty.length === 0 ? '' : `WITH ${empty.join(',\n')}\n`;
  return `${before}SELECT * FROM (\n${sql}\n) AS ${quoteName('_')}`;
}

async function translate(request: DialectRequest): Promise<DialectResult> {
  const { sql, session } = request;
  const described = await session.describe(sql);
  const { tree } = await session.syntaxOf(sql, { functions: false, places: true });
  const refusals: DialectRefusal[] = [];
  const oracle = new TypeOracle(session);
  const context = contextOf(request, refusals, new Set(columnNames(tree, request)), oracle);
  try {
    const names = described.map((one) => one.name);
    const query = withTypes(await context.query(tree, NO_SCOPE, names), described);
    if (refusals.length > 0) return { refusals: [...refusals] };
    for (const [at, column] of query.columns.entries()) {
      sparkType(column.type);
      const said = described[at];
      if (said === undefined || !sameType(typeOf(said.type), column.type))
        throw new Refused(`the column ${column.name}, which DuckDB says is ${said?.type ?? 'not there'}`);
    }
    if (query.columns.length !== described.length) throw new Refused('the number of its columns');
    if (query.text.length > TEXT_CHARS_MAX) throw new Refused('a query of that length');
    const columns = query.columns.map(({ name, type }) => ({ name, type: renderType(type) }));
    return { sql: query.text, columns };
  } catch (error) {
    context.note(error);
    // Parts that still come to their end are told to nobody.
    return { refusals: [...refusals] };
  } finally {
    await oracle.leave();
  }
}

/** A column that is NULL in every row is of the type that DuckDB gives it in a table. */
function withTypes(query: Query, described: readonly EngineColumn[]): Query {
  const columns = query.columns.map((one, at) =>
    sameType(one.type, plain('null')) ? { ...one, type: typeOf(described[at]?.type ?? 'null') } : one,
  );
  return { text: inTypes(query, columns), columns };
}

/** Every name of a column that the query can mean or gives. */
function columnNames(tree: SyntaxNode, request: DialectRequest): readonly string[] {
  const found = [...request.tables.values()].flatMap((columns) => columns.map((one) => one.name));
  some(
    tree,
    (node) => {
      if (node['class'] !== undefined) found.push(word(node, 'alias'), ...words(node, 'column_names').slice(-1));
      found.push(...words(node, 'column_name_alias'), ...words(node, 'aliases'));
      return false;
    },
    true,
  );
  return found.map((one) => one.toLowerCase());
}

function contextOf(
  request: DialectRequest,
  refusals: DialectRefusal[],
  taken: ReadonlySet<string>,
  oracle: TypeOracle,
): Context {
  const { sql, tables } = request;
  const types = [...tables].map(([name, columns]): [string, { name: string; type: ReturnType<typeof typeOf> }[]] => [
    name.toLowerCase(),
    columns.map((one) => ({ name: one.name, type: typeOf(one.type) })),
  ]);
  const context: Context = {
    oracle,
    tables: new Map(types),
    relation: request.relation ?? ((name) => name.split('.').map(quoteName).join('.')),
    alias: (name) => (taken.has(name.toLowerCase()) ? `${name}_` : name),
    place: (node) => placeIn(sql, node),
    expression: (node: SyntaxNode, scope) => expressionOf(node, scope, context),
    query: (node, scope, names) => queryOf(node, scope, context, names),
    attempt: async (print) => {
      const inside: DialectRefusal[] = [];
      try {
        const made = await print(contextOf(request, inside, taken, oracle));
        return inside.length === 0 ? made : undefined;
      } catch (error) {
        if (error instanceof Refused) return undefined;
        throw error;
      }
    },
    note: (error) => {
      if (!(error instanceof Refused)) throw error;
      if (refusals.length > 0 && error.construct.includes(renderType(REFUSED_TYPE))) return;
      refusals.push({ ...error.place, construct: error.construct, remedy: error.remedy ?? OWN_SQL });
    },
  };
  return context;
}

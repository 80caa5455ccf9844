import { isNode, type QuerySyntax, type SyntaxNode } from '../../core/lineage/syntax.ts';
import type { Row } from '../../core/ports/engine.ts';
import { quoteText } from '../../kit/sql.ts';

type Ask = (sql: string) => Promise<readonly Row[]>;

/** Marks whole numbers that a JS number cannot hold exactly; they travel as texts. The control character is in no SQL text. */
const EXACT = '\\u0001';

/** Places in the text, which are of use to few. */
const PLACES = /"query_location":\d+/g;
const NOWHERE = /"query_location":\d{16,}/g;

/** The engine's parse tree of one SELECT that was vetted. */
export async function syntaxOf(
  ask: Ask,
  sql: string,
  wanted: { readonly functions?: boolean; readonly places?: boolean },
): Promise<QuerySyntax> {
  const [row] = await ask(`select cast(json_serialize_sql(${quoteText(sql)}) as varchar) as tree`);
  // "Nowhere" is a number that JSON.parse rounds to one that the engine refuses.
  const json = String(row?.['tree'])
    .replaceAll(wanted.places === true ? NOWHERE : PLACES, '"query_location":0')
    .replaceAll(/("\w+"):(-?\d{16,})(?=[,}])/g, `$1:"${EXACT}$2"`);
  const parsed = JSON.parse(json) as { readonly statements: readonly { readonly node: SyntaxNode }[] };
  const tree = parsed.statements[0]?.node ?? {};
  if (wanted.functions === false) return { tree, aggregates: new Set() };
  const functions = await ask(
    "select distinct lower(function_name) as name from duckdb_functions() where function_type = 'aggregate'",
  );
  return { tree, aggregates: new Set(functions.map((one) => String(one['name']))) };
}

/** The text of a query, from its tree. It gives the same values: a double is written as the cast of a text, because the engine writes `2.5e0` as the decimal `2.5`. */
export async function sqlOf(ask: Ask, tree: SyntaxNode): Promise<string> {
  const statement = JSON.stringify({ error: false, statements: [{ node: castDoubles(tree), named_param_map: [] }] });
  const json = quoteText(statement.replaceAll(/"\\u0001(-?\d+)"/g, '$1'));
  const [row] = await ask(`select json_deserialize_sql(cast(${json} as json)) as sql`);
  return String(row?.['sql']);
}

function castDoubles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(castDoubles);
  if (!isNode(value)) return value;
  const double = value['class'] === 'CONSTANT' ? doubleOf(value['value']) : undefined;
  if (double === undefined)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, castDoubles(one)]));
  const text = { type: { id: 'VARCHAR', type_info: null }, is_null: false, value: double };
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: value['alias'] ?? '',
    query_location: 0,
    child: { ...value, alias: '', value: text },
    cast_type: { id: 'DOUBLE', type_info: null },
    try_cast: false,
  };
}

/** The digits of a constant that is a double; its numbers are all that JSON can hold. */
function doubleOf(constant: unknown): string | undefined {
  if (!isNode(constant) || !isNode(constant['type']) || constant['type']['id'] !== 'DOUBLE') return undefined;
  const { value } = constant;
  return typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : undefined;
}

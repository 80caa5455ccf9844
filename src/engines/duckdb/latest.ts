import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { quoteText } from '../../kit/sql.ts';

type Node = Readonly<Record<string, unknown>>;

/**
 * The query for the greatest value of what another query compares a parameter with: of `select … from t where f(x) = $day and …` it is
 * the greatest `f(x)` of `t`. Works on the engine's parse tree.
 * @param read gives the one value of a statement.
 * @throws DataflowError E_SQL when nothing is compared with the parameter.
 */
export async function latestSql(sql: string, param: string, read: (sql: string) => Promise<string>): Promise<string> {
  const tree = JSON.parse(await read(`select cast(json_serialize_sql(${quoteText(sql)}) as varchar)`)) as {
    statements?: readonly { node?: unknown }[];
  };
  const found = compared(tree.statements?.[0]?.node, param);
  if (found === undefined)
    throw new DataflowError('E_SQL', `the query compares nothing with $${param}, so that nothing is the latest`);
  const node = {
    ...found.select,
    modifiers: [],
    select_list: [{ ...found.value, alias: 'v' }],
    where_clause: null,
    group_expressions: [],
    group_sets: [],
    aggregate_handling: 'STANDARD_HANDLING',
    having: null,
    qualify: null,
  };
  const statement = JSON.stringify({ error: false, statements: [{ node, named_param_map: [] }] }, placeless);
  const inner = await read(`select json_deserialize_sql(cast(${quoteText(statement)} as json))`);
  return `select cast(max(v) as varchar) from (${inner}) as t`;
}

/** Places beyond 2^53, which stand for none, do not survive JSON. */
function placeless(key: string, value: unknown): unknown {
  return key === 'query_location' ? 0 : value;
}

interface Compared {
  readonly select: Node;
  readonly value: Node;
}

/** The comparison, and the innermost SELECT around it. */
function compared(value: unknown, param: string, select?: Node): Compared | undefined {
  if (Array.isArray(value)) {
    for (const one of value) {
      const found = compared(one, param, select);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const node = value as Node;
  const around = node['type'] === 'SELECT_NODE' ? node : select;
  if (node['class'] === 'COMPARISON' && around !== undefined) {
    const [left, right] = [node['left'] as Node, node['right'] as Node];
    if (isParam(right, param)) return { select: around, value: left };
    if (isParam(left, param)) return { select: around, value: right };
  }
  return compared(Object.values(node), param, around);
}

/** The parameter itself, or a cast of it. */
function isParam(node: Node | undefined, param: string): boolean {
  if (node?.['class'] === 'CAST') return isParam(node['child'] as Node, param);
  return node?.['class'] === 'PARAMETER' && node['identifier'] === param;
}

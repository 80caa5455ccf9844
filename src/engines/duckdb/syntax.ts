import type { QuerySyntax, SyntaxNode } from '../../core/lineage/syntax.ts';
import type { Row } from '../../core/ports/engine.ts';
import { quoteText } from '../../kit/sql.ts';

type Ask = (sql: string) => Promise<readonly Row[]>;

/** What comes with every statement of the tree that the engine turns back into text. */
const STATEMENT = { error: false };

/** The engine's parse tree of one SELECT that was vetted. */
export async function syntaxOf(ask: Ask, sql: string): Promise<QuerySyntax> {
  const [row] = await ask(`select cast(json_serialize_sql(${quoteText(sql)}) as varchar) as tree`);
  const parsed = JSON.parse(String(row?.['tree'])) as { readonly statements: readonly { readonly node: SyntaxNode }[] };
  const functions = await ask(
    "select distinct lower(function_name) as name from duckdb_functions() where function_type = 'aggregate'",
  );
  const aggregates = new Set(functions.map((one) => String(one['name'])));
  return { tree: parsed.statements[0]?.node ?? {}, aggregates };
}

/** The text of a query, from its tree. */
export async function sqlOf(ask: Ask, tree: SyntaxNode): Promise<string> {
  const statements = [{ node: tree, named_param_map: [] }];
  const json = quoteText(JSON.stringify({ ...STATEMENT, statements }));
  const [row] = await ask(`select json_deserialize_sql(cast(${json} as json)) as sql`);
  return String(row?.['sql']);
}

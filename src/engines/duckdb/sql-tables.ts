import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { engineError } from './errors.ts';

/** Table functions that make rows from their arguments alone. All others read files, settings or run SQL texts, and are refused. */
const HARMLESS = new Set([
  'range',
  'generate_series',
  'generate_subscripts',
  'unnest',
  'repeat',
  'repeat_row',
  'json_each',
  'json_tree',
]);

type NotSelect = 'E_SQL' | 'E_SQL_SANDBOX';

/**
 * The tables that a SELECT reads, as it names them (`silver.achats`, `this`), without names that its own WITH defines. They come from the
 * engine's parse tree (`json_serialize_sql`): nothing is bound or run.
 * @throws DataflowError E_SQL_SANDBOX for what reads files or another database, E_SQL for a syntax error, `not_select` when the text
 * is not exactly one SELECT.
 */
export function sqlTables(tree: string, sql: string, not_select: NotSelect): readonly string[] {
  const root: unknown = JSON.parse(tree);
  if (!isObject(root) || root['error'] !== false) throw notReadable(root, sql, not_select);
  const statements = root['statements'];
  if (!Array.isArray(statements) || statements.length !== 1) {
    throw new DataflowError(not_select, 'exactly one statement is expected', {
      hint: 'Remove all but one; no ; is needed.',
    });
  }
  const found = { tables: new Map<string, string>(), defined: new Set<string>() };
  walk(statements[0], found);
  return [...found.tables].filter(([, name]) => !found.defined.has(name)).map(([full]) => full);
}

function notReadable(root: unknown, sql: string, not_select: NotSelect): DataflowError {
  if (isObject(root) && root['error_type'] !== 'not implemented') {
    const failure = { exception_type: 'Parser', exception_message: root['error_message'], position: root['position'] };
    return engineError(new Error(JSON.stringify(failure)), { sql });
  }
  return new DataflowError(not_select, 'only a query that reads can stand here', {
    hint: 'Write one that starts with SELECT, WITH, FROM, SUMMARIZE or DESCRIBE.',
  });
}

interface Found {
  /** Full name → its lower-case key for comparing with WITH names (empty when it is qualified). */
  readonly tables: Map<string, string>;
  readonly defined: Set<string>;
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function walk(value: unknown, found: Found): void {
  if (Array.isArray(value)) for (const one of value) walk(one, found);
  if (!isObject(value)) return;
  if (value['type'] === 'BASE_TABLE' && typeof value['table_name'] === 'string') baseTable(value, found);
  if (value['type'] === 'TABLE_FUNCTION') tableFunction(value['function']);
  if (value['type'] === 'SHOW_REF' && value['table_name']) showRef(String(value['table_name']));
  const definitions = isObject(value['cte_map']) ? value['cte_map']['map'] : undefined;
  if (Array.isArray(definitions)) {
    for (const one of definitions) if (isObject(one)) found.defined.add(String(one['key']).toLowerCase());
  }
  // Constants are user data: a struct literal in them must not be taken for a node of the tree.
  for (const [key, one] of Object.entries(value))
    if (value['class'] !== 'CONSTANT' || key !== 'value') walk(one, found);
}

function baseTable(node: JsonObject, found: Found): void {
  const name = String(node['table_name']);
  const schema = String(node['schema_name'] ?? '');
  if (node['catalog_name']) throw refused(`${String(node['catalog_name'])}.${schema}.${name} is in another database`);
  // The engine opens an unqualified name that looks like a path as a file.
  if (schema === '' && /[./\\:*?]/.test(name)) throw refused(`'${name}' is a file`);
  found.tables.set(schema === '' ? name : `${schema}.${name}`, schema === '' ? name.toLowerCase() : '');
}

function tableFunction(node: unknown): void {
  const name = isObject(node) ? String(node['function_name']).toLowerCase() : '';
  if (!HARMLESS.has(name)) throw refused(`${name}() reads what is not a table of the lake`);
}

/** DESCRIBE of a name; `describe "x.csv"` would open the file. */
function showRef(name: string): void {
  if (/[/\\:*?]|\.(?:csv|tsv|txt|json|jsonl|ndjson|parquet|gz|zst|db|duckdb)"?$/i.test(name))
    throw refused(`'${name}' is a file`);
}

function refused(why: string): DataflowError {
  return new DataflowError('E_SQL_SANDBOX', why);
}

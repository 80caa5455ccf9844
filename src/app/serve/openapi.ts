import type { RouteParam, RouteSpec } from '../../core/model/serve.ts';
import { needsToken } from '../../core/model/serve.ts';
import type { Column } from '../../core/model/table.ts';
import { parseType } from '../../core/types/type-text.ts';
import { pipelinePaths } from '../pipeline/openapi.ts';
import type { Answers } from './answers.ts';
import { operatorsOf, sortable } from './conditions.ts';
import { dashboardPaths } from './dashboard/openapi.ts';
import { ROW_FORMATS } from './formats.ts';
import { type JsonSchema, listOf, rowSchema, typeSchema } from './json-schema.ts';
import { answerOf } from './route-params.ts';
import { type RouteAnswers, tablesOfRoute } from './routes.ts';
import { FACT_SCHEMAS, PROBLEM_SCHEMA } from './shared-schemas.ts';
import { OFFSET_MAX } from './table-request.ts';

type Json = Readonly<Record<string, unknown>>;

/** The description of every endpoint (OpenAPI 3.1), as the newest release and the project have them, of the tables that may be read. */
export async function openApi(
  answers: Answers,
  routes: RouteAnswers,
  may: (table: string) => boolean,
  version: string,
  client: AbortSignal,
): Promise<Json> {
  const { serving } = answers;
  const paths: Record<string, Json> = {
    '/health': operation('Whether the process answers', 'health', [], { type: 'object' }, { plain: true }),
    '/ready': operation('Whether there is a release to answer from', 'ready', [], { type: 'object' }, { plain: true }),
    '/api/v1/tables': operation('The tables that are served', 'tables', [], FACT_SCHEMAS.tables),
    ...pipelinePaths(),
    ...dashboardPaths(serving.project.dashboard, may, serving.spec.limits.rows_max),
  };
  const end = await answers.answer(undefined, client, async (use, turn) => {
    const listed = Object.keys(use.release.record.tables).filter(
      (key) => serving.offers(key, use.release.record) && may(key),
    );
    for (const key of listed.sort()) {
      const { columns, key_columns } = await use.table(key);
      Object.assign(paths, tablePaths(key, columns, key_columns, serving.spec.limits.rows_max));
    }
    for (const [path, route] of Object.entries(serving.spec.routes)) {
      const tables = tablesOfRoute(route);
      if (!tables.every((key) => may(key) && use.release.has(key))) continue;
      const columns = route.pipeline === undefined ? await routes.columns(path, route, use, turn) : [];
      Object.assign(paths, routePaths(path, route, columns, serving.spec.limits.rows_max));
    }
    return { type: '', pieces: [] };
  });
  end.end();
  const secured = needsToken(serving.spec);
  return {
    openapi: '3.1.0',
    info: { title: serving.project.name, version, description: `Answers from release ${end.release.release_id}.` },
    servers: [{ url: '/' }],
    ...(secured ? { security: [{ token: [] }] } : {}),
    paths,
    components: {
      schemas: { Problem: PROBLEM_SCHEMA },
      ...(secured ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  };
}

function tablePaths(
  key: string,
  columns: readonly Column[],
  key_columns: readonly string[],
  rows_max: number,
): Record<string, Json> {
  const base = `/api/v1/tables/${key.replace('.', '/')}`;
  const row = rowSchema(columns);
  const list = {
    type: 'object',
    properties: {
      release: { type: 'string' },
      table: { type: 'string', const: key },
      version: { type: 'integer' },
      total: { type: ['integer', 'null'], description: 'Rows of all pages; of filters only with count=true.' },
      limit: { type: 'integer' },
      offset: { type: 'integer' },
      data: { type: 'array', items: { ...row, required: [] } },
      next: { type: ['string', 'null'], description: 'The cursor of the next page; null on the last.' },
    },
    required: ['release', 'table', 'version', 'total', 'limit', 'offset', 'data', 'next'],
  };
  const text = (name: string, description: string): Json => parameter(name, { type: 'string' }, description);
  const params = [
    whole('limit', 1, rows_max, 'Rows of a page.'),
    whole('offset', 0, OFFSET_MAX, 'Rows to leave out before the page.'),
    text('cursor', 'The value of next in an answer: the next page of the same release.'),
    parameter(
      'sort',
      listOf(sortable(columns), '[-+]?'),
      `Columns, separated by commas; - in front: the greatest first. Of ${sortable(columns).join(', ')}.`,
    ),
    parameter('fields', listOf(columns.map((one) => one.name)), 'Columns to give, separated by commas.'),
    parameter('count', { type: 'boolean' }, 'Count the rows that the filters leave.'),
    AS_OF,
    FORMAT,
    parameter('formula_safe', { type: 'boolean' }, 'In CSV: disarm cells that a spreadsheet would run.'),
    ...columns.map(filterParam),
  ];
  const tag = { tag: key };
  const paths: Record<string, Json> = {
    [base]: operation(`Rows of ${key}`, `${key}.rows`, params, list, { ...tag, formats: true }),
    [`${base}/schema`]: operation(`Columns of ${key}`, `${key}.schema`, [AS_OF], FACT_SCHEMAS.schema, tag),
    [`${base}/history`]: operation(
      `Versions of ${key}, the newest first`,
      `${key}.history`,
      [whole('limit', 1, 1000, 'Versions.'), AS_OF],
      FACT_SCHEMAS.history,
      tag,
    ),
  };
  if (key_columns.length > 0)
    paths[`${base}/{key}`] = operation(
      `One row of ${key} by ${key_columns.join(', ')}`,
      `${key}.row`,
      [pathParameter('key', keySchema(columns, key_columns), `The value of ${key_columns.join(',')}.`), AS_OF],
      row,
      { ...tag, one: true },
    );
  return paths;
}

function keySchema(columns: readonly Column[], [name, ...more]: readonly string[]): JsonSchema {
  return name === undefined || more.length > 0 ? { type: 'string' } : columnSchemaOf(columns, name);
}

/** `montant[gte]=10`: an object of operators. */
function filterParam(column: Column): Json {
  const value = typeSchema(parseType(column.type));
  const properties = Object.fromEntries(
    operatorsOf(column).map((one) => {
      if (one === 'null') return [one, { type: 'boolean' }];
      return [one, one === 'in' ? { type: 'string', description: 'Values, separated by commas.' } : value];
    }),
  );
  return {
    name: column.name,
    in: 'query',
    style: 'deepObject',
    explode: true,
    description: `${column.name}=value, or with an operator: ${column.name}[gte]=value.`,
    schema: { type: 'object', properties, additionalProperties: false },
  };
}

function routePaths(
  path: string,
  route: RouteSpec,
  columns: readonly Column[],
  rows_max: number,
): Record<string, Json> {
  const what = route.description ?? path;
  const tag = { tag: 'routes' };
  if (route.pipeline !== undefined) {
    const schema = route.pipeline === 'status' ? FACT_SCHEMAS.status : FACT_SCHEMAS.refreshTimes;
    const paths = { [path]: operation(what, idOf(path), [], schema, tag) };
    if (route.pipeline === 'status') return paths;
    const params = [pathParameter('collection', { type: 'string' }, 'Name of a table.')];
    return {
      ...paths,
      [`${path}/{collection}`]: operation(what, `${idOf(path)}.one`, params, FACT_SCHEMAS.refreshTime, {
        ...tag,
        one: true,
      }),
    };
  }
  const row = rowSchema(columns);
  const shape = answerOf(route);
  const rows = { type: 'array', items: row };
  const listed = {
    type: 'object',
    properties: { total: { type: 'integer' }, skip: { type: 'integer' }, limit: { type: 'integer' }, data: rows },
    required: ['total', 'skip', 'limit', 'data'],
  };
  const schema = shape === 'list' ? listed : shape === 'rows' ? rows : row;
  const params = [...routeParams(route, columns, rows_max), AS_OF, ...(shape === 'row' ? [] : [FORMAT])];
  const paths: Record<string, Json> = {
    [path]: operation(what, idOf(path), params, schema, { ...tag, formats: shape !== 'row' }),
  };
  if (route.item !== undefined) {
    const key = pathParameter(route.item, columnSchemaOf(columns, route.item), `The value of ${route.item}.`);
    paths[`${path}/{${route.item}}`] = operation(what, `${idOf(path)}.one`, [key, AS_OF], row, { ...tag, one: true });
  }
  return paths;
}

function routeParams(route: RouteSpec, columns: readonly Column[], rows_max: number): readonly Json[] {
  const paged = answerOf(route) === 'list';
  return [
    ...Object.entries(route.params).map(([name, spec]) => ({
      ...parameter(name, paramSchema(spec), spec.description ?? ''),
      required: spec.required,
    })),
    ...Object.entries(route.filters).map(([name, column]) =>
      parameter(name, columnSchemaOf(columns, column), `Rows with this ${column}.`),
    ),
    ...Object.entries(route.ranges).flatMap(([column, [lowest, highest]]) => [
      parameter(lowest, columnSchemaOf(columns, column), `Rows with this ${column} or a greater one.`),
      parameter(highest, columnSchemaOf(columns, column), `Rows with this ${column} or a smaller one.`),
    ]),
    ...(paged
      ? [
          whole('skip', 0, OFFSET_MAX, 'Rows to leave out before the page.'),
          { ...whole('limit', 1, Math.min(route.limit.max, rows_max), `Rows; ${route.limit.default} by default.`) },
        ]
      : []),
  ];
}

function paramSchema({ type, values, default: fallback, min, max }: RouteParam): JsonSchema {
  return {
    ...typeSchema(parseType(type)),
    ...(values === undefined ? {} : { enum: values }),
    ...(fallback === undefined || fallback === 'latest' ? {} : { default: fallback }),
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
  };
}

function columnSchemaOf(columns: readonly Column[], name: string): JsonSchema {
  const column = columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  return column === undefined ? { type: 'string' } : typeSchema(parseType(column.type));
}

function idOf(path: string): string {
  return path.replace(/^\//, '').replaceAll('/', '.');
}

function parameter(name: string, schema: JsonSchema, description: string): Json {
  return { name, in: 'query', schema, ...(description === '' ? {} : { description }) };
}

function pathParameter(name: string, schema: JsonSchema, description: string): Json {
  return { name, in: 'path', required: true, schema, description };
}

function whole(name: string, minimum: number, maximum: number, description: string): Json {
  return parameter(name, { type: 'integer', minimum, maximum }, description);
}

const AS_OF = parameter(
  'as_of',
  { type: 'string', minLength: 1 },
  'A release (its id, or the beginning of it) or a time: the tables as they were then.',
);
const FORMAT = parameter(
  'format',
  { type: 'string', enum: Object.keys(ROW_FORMATS) },
  'Form of the rows; otherwise Accept decides.',
);

interface OperationOptions {
  readonly tag?: string;
  readonly formats?: boolean;
  readonly one?: boolean;
  /** Without any of the answers that questions have. */
  readonly plain?: boolean;
}

function operation(
  summary: string,
  operationId: string,
  parameters: readonly Json[],
  schema: JsonSchema,
  { tag = 'server', formats = false, one = false, plain = false }: OperationOptions = {},
): Json {
  const problem = (description: string): Json => ({
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  });
  const text = { schema: { type: 'string' } };
  const bytes = { schema: { description: 'An Arrow IPC stream.' } };
  const content = {
    'application/json': { schema },
    ...(formats ? { 'application/x-ndjson': text, 'text/csv': text, [ROW_FORMATS.arrow]: bytes } : {}),
  };
  const asked = {
    '304': { description: 'The same as the answer with the ETag that If-None-Match names.' },
    '400': problem('A parameter is wrong: which one, and what is allowed.'),
    '401': problem('A token is needed.'),
    '403': problem('The token does not allow this.'),
    '404': problem(one ? 'There is no such row.' : 'There is no such table or release.'),
    '410': problem('The release is not kept any more.'),
    '429': problem('The server has more to do than it takes: ask again after Retry-After.'),
    '503': problem('The answer took too long.'),
  };
  return {
    get: {
      summary,
      operationId,
      tags: [tag],
      parameters,
      responses: { '200': { description: 'The answer.', content }, ...(plain ? {} : asked) },
    },
  };
}

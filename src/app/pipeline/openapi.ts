import type { JsonSchema } from '../serve/json-schema.ts';
import { RUN_WORDS } from './runs.ts';
import { ACTION_SCHEMA, PIPELINE_SCHEMAS } from './schemas.ts';

/** Where what is told of the pipeline stands. */
export const PIPELINE_PATH = '/api/v1/pipeline';

/** How much of each list is given. */
export const LISTS = {
  runs: { max: 200, fallback: 50 },
  receipts: { max: 1_000, fallback: 100 },
  sample: { max: 100, fallback: 20 },
  rejected: { max: 200, fallback: 50 },
  versions: { max: 200, fallback: 50 },
} as const;

type Json = Readonly<Record<string, unknown>>;

const LAYER = inPath('layer', { enum: ['bronze', 'silver', 'gold'] }, 'Layer of the table.');
const TABLE = inPath('table', { type: 'string' }, 'Name of the table in its layer.');
const RUN = inPath('run_id', { type: 'string' }, 'A run.');
const OF_TABLE = [LAYER, TABLE];

/** The description of the endpoints that tell of the pipeline. */
export function pipelinePaths(): Record<string, Json> {
  const { runs, receipts, sample, rejected, versions } = LISTS;
  const schemas = PIPELINE_SCHEMAS;
  const text: JsonSchema = { type: 'string' };
  const get = (path: string, summary: string, parameters: readonly Json[], schema: JsonSchema): [string, Json] => [
    `${PIPELINE_PATH}${path}`,
    {
      get: described(
        `pipeline${path.replace(/\/\{\w+\}/g, '').replaceAll('/', '.')}${path.endsWith('}') ? '.one' : ''}`,
        summary,
        parameters,
        { '200': answer(schema) },
      ),
    },
  ];
  const table = '/tables/{layer}/{table}';
  return Object.fromEntries([
    get(
      '/runs',
      'Runs, newest first',
      [
        inQuery('status', { enum: RUN_WORDS }, 'Runs that ended so, or go on.'),
        limit(runs),
        inQuery('before', text, 'The value of next in an answer: the next page.'),
      ],
      schemas.runs,
    ),
    get('/runs/{run_id}', 'A run with its steps; last: the newest', [RUN], schemas.run),
    get('/graph', 'All tables with their states and what they read', [], schemas.graph),
    get(table, 'A table: columns, checks, balance of rows', OF_TABLE, schemas.table),
    get(`${table}/sample`, 'Some rows of a table, as texts', [...OF_TABLE, limit(sample)], schemas.sample),
    get(`${table}/quarantine`, 'Rejected rows of a table', [...OF_TABLE, limit(rejected)], schemas.rejected),
    get(`${table}/versions`, 'Versions of a table, newest first', [...OF_TABLE, limit(versions)], schemas.versions),
    get(
      `${table}/diff`,
      'What differs in a table between two releases',
      [
        ...OF_TABLE,
        inQuery('from', text, 'A release, or the beginning of its id; the one before the newest by default.'),
        inQuery('to', text, 'The other one; the newest by default.'),
      ],
      schemas.diff,
    ),
    get(`${table}/lineage`, 'Where the columns of a table come from', OF_TABLE, schemas.lineage),
    get('/sources', 'When sources were looked at and when something came', [], schemas.sources),
    get('/destinations', 'Loads, mirrors and streams, and how far behind they are', [], schemas.destinations),
    get('/quarantine', 'Rejected rows by table and rule', [], schemas.quarantine),
    get('/receipts', 'What runs took and used, newest first', [limit(receipts)], schemas.receipts),
    get('/actions', 'What operators did since the server started, newest first', [], schemas.actions),
    act('/runs/{run_id}/retry', 'Retries what failed in a run', [RUN]),
    act('/runs/{run_id}/cancel', 'Cancels a run that goes on', [RUN]),
    act(`${table}/replay`, 'Sends rejected rows through the table again', [
      ...OF_TABLE,
      inQuery('rule', text, 'Only rows that this rule put aside.'),
    ]),
  ]);
}

function act(path: string, summary: string, parameters: readonly Json[]): [string, Json] {
  const id = `pipeline${path.replace(/\/\{\w+\}/g, '').replaceAll('/', '.')}`;
  const responses = {
    '202': answer(ACTION_SCHEMA, 'It is under way; /api/v1/pipeline/actions tells how it went.'),
    '409': problem('It cannot be done as things stand.'),
  };
  return [`${PIPELINE_PATH}${path}`, { post: described(id, `${summary} (operators alone)`, parameters, responses) }];
}

/** A question with what it may be answered. */
export function described(
  operationId: string,
  summary: string,
  parameters: readonly Json[],
  responses: Json,
  tag = 'pipeline',
): Json {
  return {
    ...{ summary, operationId, tags: [tag], parameters },
    responses: {
      ...responses,
      '400': problem('A parameter is wrong: which one, and what is allowed.'),
      '401': problem('A token is needed.'),
      '403': problem('The token does not allow this.'),
      '404': problem('There is no such thing.'),
      '410': problem('The version is not kept any more.'),
      '429': problem('The server has more to do than it takes: ask again after Retry-After.'),
      '503': problem('The answer took too long.'),
    },
  };
}

export function answer(schema: JsonSchema, description = 'The answer, of this moment.'): Json {
  return { description, content: { 'application/json': { schema } } };
}

function problem(description: string): Json {
  const schema = { $ref: '#/components/schemas/Problem' };
  return { description, content: { 'application/problem+json': { schema } } };
}

function inPath(name: string, schema: JsonSchema, description: string): Json {
  return { name, in: 'path', required: true, schema, description };
}

export function inQuery(name: string, schema: JsonSchema, description: string): Json {
  return { name, in: 'query', schema, description };
}

function limit({ max, fallback }: { readonly max: number; readonly fallback: number }): Json {
  return inQuery('limit', { type: 'integer', minimum: 1, maximum: max }, `How many; ${fallback} by default.`);
}

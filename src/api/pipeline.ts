import type { FastifyInstance, FastifyReply } from 'fastify';
import { LISTS, PIPELINE_PATH } from '../app/pipeline/openapi.ts';
import { RUN_WORDS } from '../app/pipeline/runs.ts';
import type { Scope } from '../app/pipeline/scope.ts';
import { ParameterError } from '../app/serve/parameter-error.ts';
import { type QueryWords, RequestWords } from '../app/serve/request-words.ts';
import type { Parts } from './parts.ts';
import type { Reader } from './readers.ts';
import { clientOf } from './send.ts';

/** A question that is about to be answered. */
interface Asked {
  readonly words: RequestWords;
  readonly scope: Scope;
  readonly client: AbortSignal;
  /** Parts of the address: `layer`, `table`, `run_id`. */
  readonly params: Readonly<Record<string, string>>;
}

/** What the ledger knows of runs, tables, sources and destinations: of this moment, so that nothing of it is kept. */
export function addPipeline(app: FastifyInstance, parts: Parts): void {
  const { pipeline } = parts;
  const add = (path: string, ask: (asked: Asked) => Promise<unknown>): void => {
    app.get(`${PIPELINE_PATH}${path}`, async (request, reply) => {
      const reader = await parts.recognise(request);
      request.reader = reader;
      const words = new RequestWords(request.query as QueryWords);
      const params = request.params as Asked['params'];
      return sendNow(reply, await ask({ words, params, scope: scopeOf(reader), client: clientOf(request, reply) }));
    });
  };
  add('/runs', async ({ words, scope }) => {
    const status = words.take('status');
    const found = RUN_WORDS.find((word) => word === status);
    if (status !== undefined && found === undefined)
      throw new ParameterError('status', 'there is no such status', RUN_WORDS.join(', '));
    const before = words.take('before');
    const limit = limitOf(words, LISTS.runs);
    words.end(['status', 'limit', 'before']);
    return pipeline.runs({ limit, ...(found && { status: found }), ...(before !== undefined && { before }) }, scope);
  });
  add('/runs/:run_id', ({ words, params, scope }) => none(words, () => pipeline.run(params['run_id'] ?? '', scope)));
  add('/graph', ({ words, scope }) => none(words, () => pipeline.graph(scope)));
  add('/sources', ({ words, scope }) => none(words, () => pipeline.sources(scope)));
  add('/destinations', ({ words, scope }) => none(words, () => pipeline.destinations(scope)));
  add('/quarantine', ({ words, scope }) => none(words, () => pipeline.quarantine(scope)));
  add('/actions', ({ words, scope }) => none(words, async () => ({ data: pipeline.actions(scope) })));
  add('/receipts', async ({ words, scope }) => pipeline.receipts(lastLimit(words, LISTS.receipts), scope));
  addTablePages(add, parts);
}

function addTablePages(
  add: (path: string, ask: (asked: Asked) => Promise<unknown>) => void,
  { pipeline }: Parts,
): void {
  const table = '/tables/:layer/:table';
  add(table, ({ words, params, scope }) => none(words, () => pipeline.table(keyOf(params), scope)));
  add(`${table}/sample`, async ({ words, params, scope, client }) =>
    pipeline.sample(keyOf(params), lastLimit(words, LISTS.sample), scope, client),
  );
  add(`${table}/quarantine`, async ({ words, params, scope, client }) =>
    pipeline.rejected(keyOf(params), lastLimit(words, LISTS.rejected), scope, client),
  );
  add(`${table}/versions`, async ({ words, params, scope }) =>
    pipeline.versions(keyOf(params), lastLimit(words, LISTS.versions), scope),
  );
  add(`${table}/lineage`, ({ words, params, scope, client }) =>
    none(words, () => pipeline.lineage(keyOf(params), scope, client)),
  );
  add(`${table}/diff`, async ({ words, params, scope, client }) => {
    const from = words.take('from') ?? 'previous';
    const to = words.take('to') ?? 'current';
    words.end(['from', 'to']);
    return pipeline.diff(keyOf(params), from, to, scope, client);
  });
}

export function keyOf({ layer, table }: Asked['params']): string {
  return `${layer}.${table}`;
}

export function scopeOf(reader: Reader): Scope {
  return { may: (table) => reader.may(table), all: reader.may('*') };
}

export function sendNow(reply: FastifyReply, facts: unknown): FastifyReply {
  return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(JSON.stringify(facts));
}

/** @throws ParameterError when there is a parameter. */
function none<T>(words: RequestWords, ask: () => Promise<T>): Promise<T> {
  words.end([]);
  return ask();
}

function limitOf(words: RequestWords, { max, fallback }: { readonly max: number; readonly fallback: number }): number {
  return words.takeWhole('limit', { min: 1, max, fallback });
}

function lastLimit(words: RequestWords, bounds: { readonly max: number; readonly fallback: number }): number {
  const limit = limitOf(words, bounds);
  words.end(['limit']);
  return limit;
}

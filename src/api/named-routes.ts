import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pipelineStatus, refreshTimes } from '../app/serve/pipeline-facts.ts';
import { type QueryWords, RequestWords } from '../app/serve/request-words.ts';
import { tablesOfRoute } from '../app/serve/routes.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { RouteSpec } from '../core/model/serve.ts';
import type { Parts } from './parts.ts';
import { sendAnswer } from './send.ts';
import { askedOf, recognised } from './tables.ts';

/** The endpoints that the project declares. */
export function addNamedRoutes(app: FastifyInstance, parts: Parts): void {
  for (const [path, route] of Object.entries(parts.serving.spec.routes)) {
    if (route.pipeline !== undefined) addFacts(app, parts, path, route);
    else addRows(app, parts, path, route);
  }
}

function addRows(app: FastifyInstance, parts: Parts, path: string, route: RouteSpec): void {
  const tables = tablesOfRoute(route);
  app.get(path, async (request, reply) => {
    await recognised(parts, request, tables);
    return sendAnswer(parts, request, reply, (client) => parts.routes.list(path, route, askedOf(request, client)));
  });
  if (route.item === undefined) return;
  app.get(`${path}/:item`, async (request, reply) => {
    await recognised(parts, request, tables);
    const { item } = request.params as { readonly item: string };
    return sendAnswer(parts, request, reply, (client) =>
      parts.routes.item(path, route, item, askedOf(request, client)),
    );
  });
}

/** What the ledger knows is of this moment, not of a release. */
function addFacts(app: FastifyInstance, parts: Parts, path: string, { pipeline }: RouteSpec): void {
  const { serving } = parts;
  const readable = async (request: FastifyRequest): Promise<(key: string) => boolean> => {
    const reader = await parts.recognise(request);
    request.reader = reader;
    new RequestWords(request.query as QueryWords).end([]);
    return (key) => reader.may(key);
  };
  if (pipeline === 'status') {
    app.get(path, async (request, reply) => {
      const may = await readable(request);
      const facts = await serving.ask(pipelineStatus);
      return sendFacts(reply, { ...facts, tables: facts.tables.filter(({ table }) => may(table)) });
    });
    return;
  }
  app.get(path, async (request, reply) => {
    const may = await readable(request);
    const data = await serving.ask((ledger) => refreshTimes(ledger, may));
    return sendFacts(reply, { total: data.length, skip: 0, limit: data.length, data });
  });
  app.get(`${path}/:collection`, async (request, reply) => {
    const may = await readable(request);
    const { collection } = request.params as { readonly collection: string };
    const data = await serving.ask((ledger) => refreshTimes(ledger, may));
    const found = data.filter((one) => one.table === collection || one.collection === collection).at(-1);
    if (found === undefined) throw new DataflowError('E_SERVE_UNKNOWN', 'there is no such collection');
    return sendFacts(reply, found);
  });
}

function sendFacts(reply: FastifyReply, facts: unknown): FastifyReply {
  return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(JSON.stringify(facts));
}

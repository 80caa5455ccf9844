import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { PipelinePages } from '../app/pipeline/pages.ts';
import type { Answers } from '../app/serve/answers.ts';
import { DashboardAnswers } from '../app/serve/dashboard/dashboard-answers.ts';
import { ServerEvents } from '../app/serve/events.ts';
import { RouteAnswers } from '../app/serve/routes.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { MetricFamily } from '../core/model/metric.ts';
import { needsToken } from '../core/model/serve.ts';
import type { ServedRequest, ServeRequest } from '../core/ports/server.ts';
import { addressGuard } from './addresses.ts';
import { AnswerCache } from './answer-cache.ts';
import { addDashboard } from './dashboard.ts';
import { addDocs } from './docs.ts';
import { addEvents, EVENTS_PATH } from './events.ts';
import { addHealth } from './health.ts';
import { newMetrics } from './metrics.ts';
import { addNamedRoutes } from './named-routes.ts';
import { addOperator } from './operator.ts';
import { addPages, isPage, sendPage } from './pages.ts';
import type { Parts } from './parts.ts';
import { addPipeline } from './pipeline.ts';
import { asOurs, problemOf, sendProblem } from './problem.ts';
import { addProtection, browserHeaders, EVENT_LOOP_DELAY_MAX_MS } from './protection.ts';
import { readersOf } from './readers.ts';
import { addTables } from './tables.ts';

export interface ServerOptions extends Pick<ServeRequest, 'host' | 'log' | 'commandOf'> {
  /** Of dataflow itself. */
  readonly version: string;
  /** Folder of the pages for a browser; absent: only what programs ask is answered. */
  readonly pages_folder?: string | undefined;
  /** How late the process may come to what waits, on average over a second, before questions are refused; absent: 1,000. */
  readonly event_loop_delay_max_ms?: number;
  /** What those who listen are told. */
  readonly events?: ServerEvents;
  /** Those of the project, for `/metrics`. */
  numbers(): Promise<readonly MetricFamily[]>;
}

/** The server, ready to listen or to be asked without a network. Endpoints are those of the project; only operators change anything. */
export async function buildServer(answers: Answers, options: ServerOptions): Promise<FastifyInstance> {
  const { serving } = answers;
  const { spec } = serving;
  const cache = new AnswerCache(spec.limits.cache_bytes);
  const parts: Parts = {
    answers,
    serving,
    cache,
    cacheable_by: needsToken(spec) ? 'private' : 'public',
    routes: new RouteAnswers(answers),
    dashboard: new DashboardAnswers(answers),
    events: options.events ?? new ServerEvents(serving),
    pipeline: await PipelinePages.open(answers, options.commandOf),
    metrics: newMetrics(answers, cache, options.numbers),
    recognise: readersOf(spec),
    version: options.version,
  };
  const app = fastify({
    logger: false,
    bodyLimit: 1024,
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true },
    requestTimeout: 30_000,
    keepAliveTimeout: 30_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    frameworkErrors: (error, request, reply) => void sendProblem(reply, problemOf(asOurs(error), request.id)),
  });
  app.decorateRequest('began_ms', 0);
  addHooks(app, parts, options);
  await addProtection(app, spec, options.host, options.event_loop_delay_max_ms ?? EVENT_LOOP_DELAY_MAX_MS);
  addHealth(app, parts);
  addTables(app, parts);
  addNamedRoutes(app, parts);
  addPipeline(app, parts);
  addOperator(app, parts);
  addDocs(app, parts);
  addDashboard(app, parts);
  addEvents(app, parts);
  if (options.pages_folder !== undefined) await addPages(app, options.pages_folder);
  return app;
}

function addHooks(app: FastifyInstance, parts: Parts, options: ServerOptions): void {
  const { spec } = parts.serving;
  const guard = addressGuard(spec, options.host);
  const headers = browserHeaders(spec);
  // One hook that waits for nothing: each further one, and each promise, is paid for by every request.
  app.addHook('onRequest', (request, reply, done) => {
    request.began_ms = performance.now();
    reply.headers(headers);
    guard(request);
    // Before its body is looked at: no address takes one.
    if (request.is404 && !reads(request)) throw notServed(request);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const ms = performance.now() - request.began_ms;
    const route = request.routeOptions.url ?? 'none';
    // A stream of events lasts as long as somebody listens: that is no time that an answer took.
    if (route !== EVENTS_PATH)
      parts.metrics.answered({ method: request.method, route, status: reply.statusCode, seconds: ms / 1000 });
    options.log(lineOf(request, reply, ms));
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(asOurs(error), request.id);
    if (problem.status >= 500)
      request.failure = error instanceof Error ? `${nameOf(error)}${error.message}${causeOf(error)}` : String(error);
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => {
    if (options.pages_folder !== undefined && isPage(request)) return sendPage(reply);
    const error = reads(request)
      ? new DataflowError('E_SERVE_UNKNOWN', 'there is no such endpoint')
      : notServed(request);
    return sendProblem(reply, problemOf(error, request.id));
  });
}

function reads({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

function notServed({ method }: FastifyRequest): DataflowError {
  return new DataflowError('E_SERVE_METHOD', `${method} is not served`);
}

function nameOf(error: Error): string {
  return error instanceof DataflowError ? `${error.code} ` : '';
}

/** What is wrong with a destination is told to who runs the server. */
function causeOf(error: Error): string {
  const told = error instanceof DataflowError && error.code === 'E_SERVE_STORE' && error.cause instanceof Error;
  return told ? `: ${(error.cause as Error).message}` : '';
}

function lineOf(request: FastifyRequest, reply: FastifyReply, ms: number): ServedRequest {
  const [path = '', query = ''] = request.url.split('?', 2);
  const release = reply.getHeader('dataflow-release');
  return {
    request_id: request.id,
    client: request.ip,
    ...(request.reader === undefined ? {} : { reader: request.reader.name }),
    method: request.method,
    path: path.slice(0, 500),
    params: query === '' ? [] : [...new Set(new URLSearchParams(query).keys())].slice(0, 50),
    status: reply.statusCode,
    ms: Math.round(ms * 10) / 10,
    ...(release === undefined ? {} : { release: String(release) }),
    ...(request.failure === undefined ? {} : { error: request.failure }),
  };
}

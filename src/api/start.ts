import type { FastifyInstance } from 'fastify';
import { collectMetrics } from '../app/monitor/collect-metrics.ts';
import { keptMetrics } from '../app/monitor/kept-metrics.ts';
import { otlpTarget, pushOtlp } from '../app/monitor/push-otlp.ts';
import type { Rooms } from '../app/rooms.ts';
import { Answers } from '../app/serve/answers.ts';
import { ServerEvents } from '../app/serve/events.ts';
import { Serving } from '../app/serve/serving.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Project } from '../core/model/project.ts';
import { needsToken } from '../core/model/serve.ts';
import type { ServeRequest, ServerAtWork } from '../core/ports/server.ts';
import { isLoopback } from './addresses.ts';
import { pagesFolder } from './pages.ts';
import { buildServer } from './server.ts';

/** How often it is looked whether there is a newer release. */
const LOOK_MS = 1_000;
/** How often numbers are pushed, where a collector is named and OTEL_METRIC_EXPORT_INTERVAL says nothing. */
const PUSH_MS = 60_000;
const PUSH_MS_MIN = 1_000;

/**
 * Starts the server: it listens once it has opened the newest release.
 * @throws DataflowError E_SERVE_OPEN, E_SERVE_ADDRESS, E_USAGE
 */
export async function startServer(rooms: Rooms, project: Project, request: ServeRequest): Promise<ServerAtWork> {
  const spec = project.serve;
  const { host, port, log, note, commandOf } = request;
  if (!isLoopback(host) && (spec === undefined || !needsToken(spec)))
    throw new DataflowError('E_SERVE_OPEN', `at ${host} anybody could read the tables: nobody has to say who he is`);
  const serving = await Serving.open(rooms, project, request.store);
  const events = new ServerEvents(serving);
  const pages_folder = request.dashboard ? pagesFolder() : undefined;
  let app: FastifyInstance | undefined;
  try {
    app = await buildServer(new Answers(serving), {
      host,
      log,
      commandOf,
      version: rooms.version,
      numbers: keptMetrics(rooms, project),
      events,
      pages_folder,
    });
    await app.listen({ host, port });
  } catch (error) {
    await app?.close();
    await serving.close();
    throw addressError(error, host, port);
  }
  // What stays wrong is said once, not at every look.
  let said: string | undefined;
  const timer = setInterval(() => {
    serving
      .refresh()
      .then(() => {
        said = undefined;
        return events.look();
      })
      .catch((error) => {
        const words = `looking for a newer release: ${error instanceof Error ? error.message : error}`;
        if (words !== said) note(words);
        said = words;
      });
  }, LOOK_MS);
  timer.unref();
  const pushing = pushedNowAndThen(rooms, project, note);
  const address = app.server.address();
  const at = typeof address === 'object' && address !== null ? address.port : port;
  const server = app;
  return {
    url: `http://${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${at}`,
    release_id: serving.current?.release_id,
    store: serving.place,
    dashboard: pages_folder !== undefined,
    close: async (drain_ms) => {
      clearInterval(timer);
      clearInterval(pushing);
      const cut = await drained(server, drain_ms);
      await serving.close();
      return cut;
    },
  };
}

/** Ends once the requests at work are answered; those that are not in time are cut off and counted. */
async function drained(app: FastifyInstance, drain_ms: number): Promise<number> {
  let cut = 0;
  const late = setTimeout(() => {
    app.server.getConnections((_, count) => {
      cut = count;
      app.server.closeAllConnections();
    });
  }, drain_ms);
  try {
    await app.close();
  } finally {
    clearTimeout(late);
  }
  return cut;
}

/** Numbers go to a collector while nothing runs too: what gets old does so by itself. */
function pushedNowAndThen(rooms: Rooms, project: Project, note: (text: string) => void): NodeJS.Timeout | undefined {
  const { env } = process;
  const target = otlpTarget(project, env);
  if (target === undefined) return undefined;
  let at_work = false;
  const timer = setInterval(() => {
    // A collector that is slow gets the next numbers when it has taken these.
    if (at_work) return;
    at_work = true;
    collectMetrics(rooms, project)
      .then((families) => pushOtlp(rooms, project, families, target))
      .catch((error) => note(rooms.redact(error instanceof Error ? error.message : String(error))))
      .finally(() => {
        at_work = false;
      });
  }, pushInterval(env['OTEL_METRIC_EXPORT_INTERVAL']));
  return timer.unref();
}

/** What is no number of milliseconds is passed over, as the standard wants it. */
function pushInterval(text = ''): number {
  const ms = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return ms === 0 ? PUSH_MS : Math.max(PUSH_MS_MIN, ms);
}

function addressError(error: unknown, host: string, port: number): unknown {
  const code = (error as { code?: unknown }).code;
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: `${host}:${port} is taken by another program`,
    EACCES: `${host}:${port} is not allowed to this user`,
    EADDRNOTAVAIL: `${host} is no address of this machine`,
    ENOTFOUND: `${host} is no address of this machine`,
  };
  const message = words[String(code)];
  return message === undefined ? error : new DataflowError('E_SERVE_ADDRESS', message, { cause: error });
}

import type { FastifyInstance } from 'fastify';
import { buildServer } from '../../src/api/server.ts';
import { keptMetrics } from '../../src/app/monitor/kept-metrics.ts';
import { Answers } from '../../src/app/serve/answers.ts';
import { ServerEvents } from '../../src/app/serve/events.ts';
import { Serving } from '../../src/app/serve/serving.ts';
import type { ServedRequest } from '../../src/core/ports/server.ts';
import { rooms } from '../../src/main.ts';
import { BINARY, expectDone, newPlace, type Place } from '../support/fault-project.ts';

/** A project whose lake was made by the built binary, and its server in this process, asked without a network. */
export interface Served {
  readonly place: Place;
  readonly app: FastifyInstance;
  readonly serving: Serving;
  readonly events: ServerEvents;
  readonly log: ServedRequest[];
  /** The answer to a GET, with what it holds as JSON when it is that. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Got>;
  /** Runs, and lets the server see what came of it. */
  run(...args: string[]): Promise<void>;
  close(): Promise<void>;
}

export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape are looked into
  readonly body: any;
}

export async function serveProject(
  config: string,
  files: Readonly<Record<string, string>>,
  host = '127.0.0.1',
  pages_folder?: string,
): Promise<Served> {
  const place = newPlace(config, { name: 'served' });
  place.put(files);
  expectDone(place.dataflow(['run']));
  return serveFolder(place, { host, pages_folder });
}

/** How a server of a test differs from one that is started. */
export interface ServedAs {
  readonly host?: string;
  readonly pages_folder?: string | undefined;
  /** As of the server. This process makes lakes and waits for them, and the machine has other work: without it, tests are answered however late it is. */
  readonly event_loop_delay_max_ms?: number;
  /** The load that tables are answered from; otherwise the lake. */
  readonly store?: string;
}

export async function serveFolder(place: Place, as: ServedAs = {}): Promise<Served> {
  const { host = '127.0.0.1', pages_folder, event_loop_delay_max_ms = Number.POSITIVE_INFINITY, store } = as;
  const { project } = await rooms.loadProject({ cwd: place.folder, env: process.env });
  const serving = await Serving.open(rooms, project, store);
  const log: ServedRequest[] = [];
  const events = new ServerEvents(serving);
  const app = await buildServer(new Answers(serving), {
    host,
    commandOf: (words) => ({
      shown: ['dataflow', ...words].join(' '),
      program: process.execPath,
      args: [BINARY, ...words, '--config', place.folder],
    }),
    pages_folder,
    event_loop_delay_max_ms,
    events,
    version: rooms.version,
    numbers: keptMetrics(rooms, project),
    log: (line) => void log.push(line),
  });
  const get: Served['get'] = async (url, headers = {}) => {
    const {
      statusCode,
      headers: got,
      payload,
    } = await app.inject({ url, headers: { host: 'localhost:8000', ...headers } });
    const json = /json/.test(String(got['content-type'])) && !/ndjson/.test(String(got['content-type']));
    return {
      status: statusCode,
      headers: got,
      text: payload,
      body: json && payload !== '' ? JSON.parse(payload) : undefined,
    };
  };
  return {
    place,
    app,
    serving,
    events,
    log,
    get,
    run: async (...args) => {
      expectDone(place.dataflow(['run', ...args]));
      await serving.refresh();
    },
    close: async () => {
      await app.close();
      await serving.close();
      place.remove();
    },
  };
}

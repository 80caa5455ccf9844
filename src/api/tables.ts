import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Answer, Asked } from '../app/serve/answers.ts';
import { type QueryWords, RequestWords } from '../app/serve/request-words.ts';
import { keyColumns } from '../app/serve/table-request.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Parts } from './parts.ts';
import { refuseTables } from './readers.ts';
import { sendAnswer } from './send.ts';

export const TABLES_PATH = '/api/v1/tables';

interface TableParams {
  readonly layer: string;
  readonly table: string;
  readonly key?: string;
}

/** Every listed table: its rows, one row by its key, its columns, its versions. */
export function addTables(app: FastifyInstance, parts: Parts): void {
  const { answers } = parts;
  app.get(TABLES_PATH, (request, reply) => listTables(parts, request, reply));
  const add = (path: string, ask: (key: string, params: TableParams, asked: Asked) => Promise<Answer>): void => {
    app.get(`${TABLES_PATH}/:layer/:table${path}`, async (request, reply) => {
      const params = request.params as TableParams;
      const key = `${params.layer}.${params.table}`;
      await recognised(parts, request, [key]);
      return sendAnswer(parts, request, reply, (client) => ask(key, params, askedOf(request, client)));
    });
  };
  add('', (key, _, asked) => answers.table(key, asked));
  add('/schema', (key, _, asked) => answers.schema(key, asked));
  add('/history', (key, _, asked) => answers.history(key, asked));
  add('/:key', (key, params, asked) => answers.row(key, params.key ?? '', asked));
}

/** @throws DataflowError E_SERVE_TOKEN, E_SERVE_SCOPE */
export async function recognised(parts: Parts, request: FastifyRequest, tables: readonly string[]): Promise<void> {
  const reader = await parts.recognise(request);
  request.reader = reader;
  refuseTables(reader, tables);
}

export function askedOf(request: FastifyRequest, client: AbortSignal): Asked {
  return { words: new RequestWords(request.query as QueryWords), accept: request.headers.accept, client };
}

async function listTables(parts: Parts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { serving } = parts;
  const reader = await parts.recognise(request);
  request.reader = reader;
  new RequestWords(request.query as QueryWords).end([]);
  const release = serving.current;
  if (release === undefined) throw new DataflowError('E_SERVE_UNKNOWN', 'there is no release yet');
  const data = Object.entries(release.tables)
    .filter(([key]) => serving.offers(key, release) && reader.may(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, version]) => ({
      table: key,
      version,
      key: keyColumns(serving.project, key),
      url: `${TABLES_PATH}/${key.replace('.', '/')}`,
    }));
  reply.header('cache-control', 'private, no-cache').header('dataflow-release', release.release_id);
  return reply
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ release: release.release_id, total: data.length, data }));
}

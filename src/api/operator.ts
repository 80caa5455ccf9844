import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PIPELINE_PATH } from '../app/pipeline/openapi.ts';
import type { Operator } from '../app/pipeline/pages.ts';
import { type QueryWords, RequestWords } from '../app/serve/request-words.ts';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { isOwnPage } from './addresses.ts';
import type { Parts } from './parts.ts';
import { keyOf, scopeOf, sendNow } from './pipeline.ts';
import { refuseTables } from './readers.ts';

interface Act {
  readonly params: Readonly<Record<string, string>>;
  readonly words: RequestWords;
  readonly operator: Operator;
}

/**
 * What operators may do: retry, cancel, replay. The token comes with each request in a header and never as a cookie, so that no other page can make a
 * browser do it; beside that, pages of other origins are refused, also those that may read.
 */
export function addOperator(app: FastifyInstance, parts: Parts): void {
  const { pipeline } = parts;
  const add = (
    path: string,
    tables: (params: Act['params']) => string,
    act: (asked: Act) => Promise<unknown>,
  ): void => {
    app.post(`${PIPELINE_PATH}${path}`, async (request, reply) => {
      const params = request.params as Act['params'];
      const operator = await operatorOf(parts, request, tables(params));
      const words = new RequestWords(request.query as QueryWords);
      return sendNow(reply.code(202), await act({ params, words, operator }));
    });
  };
  // A run may be about any table.
  const all = (): string => '*';
  add('/runs/:run_id/retry', all, ({ params, words, operator }) => {
    words.end([]);
    return pipeline.retry(params['run_id'] ?? '', operator);
  });
  add('/runs/:run_id/cancel', all, ({ params, words, operator }) => {
    words.end([]);
    return pipeline.cancel(params['run_id'] ?? '', operator);
  });
  add('/tables/:layer/:table/replay', keyOf, ({ params, words, operator }) => {
    const rule = words.take('rule');
    words.end(['rule']);
    return pipeline.replay(keyOf(params), rule, operator);
  });
}

/** @throws DataflowError E_SERVE_TOKEN, E_SERVE_OPERATOR, E_SERVE_SCOPE, E_SERVE_ORIGIN */
async function operatorOf(parts: Parts, request: FastifyRequest, table: string): Promise<Operator> {
  const { origin, host = '' } = request.headers;
  if (origin !== undefined && !isOwnPage(origin, host))
    throw new DataflowError('E_SERVE_ORIGIN', 'pages of other origins may not do this');
  const reader = await parts.recognise(request);
  request.reader = reader;
  if (!reader.operator) throw new DataflowError('E_SERVE_OPERATOR', 'this needs the token of an operator');
  refuseTables(reader, [table]);
  return { ...scopeOf(reader), name: reader.name };
}

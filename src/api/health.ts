import type { FastifyInstance } from 'fastify';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Parts } from './parts.ts';

/** `/health`: the process answers. `/ready`: it has a release to answer from, and is not overloaded. `/metrics`: its counters. */
export function addHealth(app: FastifyInstance, { serving, metrics, recognise }: Parts): void {
  app.get('/health', { config: { rateLimit: false } }, async (_, reply) => {
    reply.header('cache-control', 'no-store').type('application/json; charset=utf-8');
    return { status: 'ok' };
  });
  app.get('/ready', { config: { rateLimit: false } }, async (_, reply) => {
    const release = serving.current;
    const pressed = app.isUnderPressure();
    const status = release === undefined ? 'no release yet' : pressed ? 'overloaded' : 'ready';
    reply.code(status === 'ready' ? 200 : 503).header('cache-control', 'no-store');
    if (status !== 'ready') reply.header('retry-after', 1);
    return {
      status,
      release: release === undefined ? null : { release_id: release.release_id, created_at: release.created_at },
    };
  });
  app.get('/metrics', async (request, reply) => {
    const reader = await recognise(request);
    request.reader = reader;
    if (!reader.may('*')) throw new DataflowError('E_SERVE_SCOPE', 'the token does not allow to read this');
    return reply
      .header('cache-control', 'no-store')
      .type(metrics.type)
      .send(await metrics.text());
  });
}

import { PassThrough } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type QueryWords, RequestWords } from '../app/serve/request-words.ts';
import type { ServerEvent } from '../core/contract/dashboard.ts';
import type { Parts } from './parts.ts';

export const EVENTS_PATH = '/api/v1/events';

/** So often something is sent, so that nobody on the way takes the stream for dead. */
const HEARTBEAT_MS = 15_000;
/** Who does not read what he is sent is let go: he asks again. */
const UNREAD_BYTES_MAX = 64 * 1024;

/** Server-sent events: a release was published, a run went on. Streams end when their client goes, or the server stops. */
export function addEvents(app: FastifyInstance, parts: Parts): void {
  const open = new Set<PassThrough>();
  const beat = setInterval(() => {
    for (const stream of open) write(stream, ': here\n\n');
  }, HEARTBEAT_MS);
  beat.unref();
  app.addHook('preClose', async () => {
    clearInterval(beat);
    for (const stream of open) stream.end();
  });
  app.get(EVENTS_PATH, async (request, reply) => {
    request.reader = await parts.recognise(request);
    new RequestWords(request.query as QueryWords).end([]);
    const stream = new PassThrough();
    const end = parts.events.listen((event) => write(stream, textOf(event)));
    open.add(stream);
    stream.once('close', () => {
      open.delete(stream);
      end();
    });
    const release = parts.serving.current;
    stream.write('retry: 2000\n\n');
    // Whoever comes back after a while sees by this whether he missed one.
    if (release !== undefined) {
      const { release_id, created_at } = release;
      stream.write(textOf({ event: 'release', data: { release_id, created_at } }));
    }
    return reply
      .header('cache-control', 'no-store, no-transform')
      .header('x-accel-buffering', 'no')
      .type('text/event-stream; charset=utf-8')
      .send(stream);
  });
}

function write(stream: PassThrough, text: string): void {
  if (stream.writableLength + stream.readableLength > UNREAD_BYTES_MAX) stream.destroy();
  else if (!stream.writableEnded) stream.write(text);
}

function textOf({ event, data }: ServerEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

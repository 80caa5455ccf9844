import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../app/serve/answers.ts';
import { formatOf } from '../app/serve/formats.ts';
import type { Serving } from '../app/serve/serving.ts';
import type { AnswerCache, KeptAnswer } from './answer-cache.ts';

/** An answer up to this size is put together before it goes out, with its length, and can be kept. */
const WHOLE_CHARS_MAX = 1_000_000;

export interface Sender {
  readonly serving: Serving;
  readonly cache: AnswerCache;
  /** `private` where it depends on who asks. */
  readonly cacheable_by: 'private' | 'public';
}

/** Answers one request from memory, with 304, or with what `ask` gives. */
export async function sendAnswer(
  { serving, cache, cacheable_by }: Sender,
  request: FastifyRequest,
  reply: FastifyReply,
  ask: (client: AbortSignal) => Promise<Answer>,
): Promise<FastifyReply> {
  const query = request.query as Readonly<Record<string, unknown>>;
  const moves = query['as_of'] === undefined && query['cursor'] === undefined;
  const format = query['format'] === undefined ? formatOf(undefined, request.headers.accept) : '';
  const question = `${format}\n${request.url}`;
  const current = serving.current;
  const key = `${current?.release_id}\n${question}`;
  reply
    .header('cache-control', `${cacheable_by}, ${moves ? 'no-cache' : lifetimeOf(query)}`)
    .header('vary', 'Accept, Origin');
  if (cacheable_by === 'private') reply.header('vary', 'Accept, Origin, Authorization');
  if (current !== undefined && moves && isKnown(request, etagOf(current.release_id, question)))
    return unchanged(reply, { ...current, etag: etagOf(current.release_id, question) });
  const kept = cache.get(key);
  if (kept !== undefined) return sendKept(request, reply, kept);
  const answer = await ask(clientOf(request, reply));
  const etag = etagOf(answer.release.release_id, question);
  const { release_id, created_at } = answer.release;
  let streaming = false;
  try {
    if (isKnown(request, etag)) return unchanged(reply, { release_id, created_at, etag });
    const { text, rest } = await beginning(answer);
    if (rest === undefined) {
      const made = { type: answer.type, release_id, created_at, etag, body: Buffer.from(text) };
      cache.keep(key, made);
      return sendKept(request, reply, made);
    }
    streaming = true;
    const body = Readable.from(
      whole(text, rest, () => answer.end()),
      { objectMode: false, highWaterMark: 1 << 18 },
    );
    body.once('close', () => answer.end());
    return marked(reply, { release_id, created_at, etag }).type(answer.type).send(body);
  } finally {
    if (!streaming) answer.end();
  }
}

/** Aborted when the client goes before the answer was sent. */
export function clientOf(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (request.raw.socket?.destroyed === true) gone.abort();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

/** The text up to a size; `rest` is there when it is longer. */
async function beginning(answer: Answer): Promise<{ text: string; rest?: AsyncIterator<string> }> {
  const iterator = answer.pieces[Symbol.asyncIterator]();
  let text = '';
  while (text.length <= WHOLE_CHARS_MAX) {
    const next = await iterator.next();
    if (next.done === true) return { text };
    text += next.value;
  }
  return { text, rest: iterator };
}

async function* whole(text: string, rest: AsyncIterator<string>, end: () => void): AsyncGenerator<string, void, void> {
  try {
    yield text;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
    end();
  }
}

function sendKept(request: FastifyRequest, reply: FastifyReply, kept: KeptAnswer): FastifyReply {
  if (isKnown(request, kept.etag)) return unchanged(reply, kept);
  return marked(reply, kept).type(kept.type).send(kept.body);
}

interface Mark {
  readonly release_id: string;
  readonly created_at: string;
  readonly etag: string;
}

function marked(reply: FastifyReply, { release_id, created_at, etag }: Mark): FastifyReply {
  return reply.header('etag', etag).header('dataflow-release', release_id).header('dataflow-release-time', created_at);
}

function unchanged(reply: FastifyReply, mark: Mark): FastifyReply {
  return marked(reply, mark).code(304).send();
}

/** The same address in the same form from the same release is the same answer. */
function etagOf(release_id: string, question: string): string {
  return `"${release_id}-${createHash('sha256').update(question).digest('base64url').slice(0, 16)}"`;
}

function isKnown({ headers }: FastifyRequest, etag: string): boolean {
  const known = headers['if-none-match'];
  return known?.split(',').some((one) => one.trim().replace(/^W\//, '') === etag) === true;
}

/** What a release that was named in full says never changes. */
function lifetimeOf(query: Readonly<Record<string, unknown>>): string {
  const exact = query['cursor'] !== undefined || /^[0-9a-z]{20}$/.test(String(query['as_of']));
  return exact ? 'max-age=31536000, immutable' : 'no-cache';
}

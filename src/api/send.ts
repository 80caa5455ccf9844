import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../app/serve/answers.ts';
import { formatOf } from '../app/serve/formats.ts';
import type { Piece } from '../app/serve/pieces.ts';
import type { Serving } from '../app/serve/serving.ts';
import type { AnswerCache, KeptAnswer } from './answer-cache.ts';
import { type Encoding, encodingOf, isPackable, PACK_BYTES_MIN, packed, packer } from './encodings.ts';

/** An answer up to this size is put together before it goes out, with its length, and can be kept. */
const WHOLE_BYTES_MAX = 1_000_000;

/** Larger ones are not worth holding as text, too. */
const TEXT_BYTES_MAX = 16_384;

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
  const encoding = encodingOf(request.headers['accept-encoding']);
  reply
    .header('cache-control', `${cacheable_by}, ${moves ? 'no-cache' : lifetimeOf(query)}`)
    .header('vary', `Accept, Accept-Encoding, Origin${cacheable_by === 'private' ? ', Authorization' : ''}`);
  const kept = cache.get(key + encoding) ?? (encoding === 'identity' ? undefined : cache.get(`${key}identity`));
  if (kept !== undefined)
    return sendKept(request, reply, fits(kept, encoding) ? kept : await keptAs(cache, key, kept, encoding));
  if (current !== undefined && moves) {
    const etag = etagOf(current.release_id, question);
    if (knownAs(request, etag) !== undefined) return unchanged(request, reply, { ...current, etag });
  }
  const answer = await ask(clientOf(request, reply));
  const etag = etagOf(answer.release.release_id, question);
  const { release_id, created_at } = answer.release;
  let streaming = false;
  try {
    if (knownAs(request, etag) !== undefined) return unchanged(request, reply, { release_id, created_at, etag });
    const { body, rest } = await beginning(answer);
    const mark = { type: answer.type, release_id, created_at, etag, encoding: 'identity' as const };
    if (rest === undefined) {
      const made = withText({ ...mark, body: Buffer.concat(body) });
      return sendKept(request, reply, await keptAs(cache, key, made, encoding));
    }
    streaming = true;
    const rows = Readable.from(
      whole(body, rest, () => answer.end()),
      { objectMode: false, highWaterMark: 1 << 18 },
    );
    rows.once('close', () => answer.end());
    if (encoding === 'identity' || !isPackable(answer.type)) return marked(reply, mark).type(mark.type).send(rows);
    const sent = pipeline(rows, packer(encoding), () => undefined);
    return marked(reply, { ...mark, encoding })
      .type(mark.type)
      .send(sent);
  } finally {
    if (!streaming) answer.end();
  }
}

/** A small answer that is made at every request: 304 where it is known already. */
export async function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  document: unknown,
): Promise<FastifyReply> {
  const text = JSON.stringify(document);
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
  reply.header('cache-control', 'private, no-cache').header('etag', `W/${etag}`);
  if (knownAs(request, etag) !== undefined) return reply.code(304).send();
  return sendText(request, reply.type('application/json; charset=utf-8'), text);
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

/** A text that is no answer of a release, packed as the client takes it. */
export async function sendText(request: FastifyRequest, reply: FastifyReply, text: string): Promise<FastifyReply> {
  const encoding = encodingOf(request.headers['accept-encoding']);
  const body = Buffer.from(text);
  reply.header('vary', 'Accept-Encoding, Origin, Authorization');
  if (encoding === 'identity' || body.length < PACK_BYTES_MIN) return reply.send(body);
  return reply.header('content-encoding', encoding).send(await packed(body, encoding));
}

/** An answer as the client takes it, kept in that form: what is asked for packed lies packed in memory. */
async function keptAs(cache: AnswerCache, key: string, answer: KeptAnswer, encoding: Encoding): Promise<KeptAnswer> {
  if (encoding === 'identity' || fits(answer, encoding)) {
    cache.keep(key + answer.encoding, answer);
    return answer;
  }
  const { text: _, ...rest } = answer;
  const made = { ...rest, encoding, body: await packed(answer.body, encoding) };
  cache.keep(key + encoding, made);
  return made;
}

/** Whether an answer is in the form in which this client takes it: packed so, or not worth packing. */
function fits(answer: KeptAnswer, encoding: Encoding): boolean {
  return answer.encoding === encoding || answer.body.length < PACK_BYTES_MIN || !isPackable(answer.type);
}

/** The bytes up to a size; `rest` is there when there are more. */
async function beginning(answer: Answer): Promise<{ body: Uint8Array[]; rest?: AsyncIterator<Piece> }> {
  const iterator = answer.pieces[Symbol.asyncIterator]();
  const body: Uint8Array[] = [];
  for (let size_bytes = 0; size_bytes <= WHOLE_BYTES_MAX; size_bytes += body.at(-1)?.length ?? 0) {
    const next = await iterator.next();
    if (next.done === true) return { body };
    body.push(typeof next.value === 'string' ? Buffer.from(next.value) : next.value);
  }
  return { body, rest: iterator };
}

async function* whole(
  body: readonly Uint8Array[],
  rest: AsyncIterator<Piece>,
  end: () => void,
): AsyncGenerator<Piece, void, void> {
  try {
    yield* body;
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
  if (request.headers['if-none-match'] !== undefined && knownAs(request, kept.etag) !== undefined)
    return unchanged(request, reply, kept);
  return marked(reply, kept)
    .type(kept.type)
    .send(kept.text ?? kept.body);
}

function withText(answer: KeptAnswer): KeptAnswer {
  const small = answer.body.length <= TEXT_BYTES_MAX && isPackable(answer.type);
  return small ? { ...answer, text: answer.body.toString() } : answer;
}

interface Mark {
  readonly release_id: string;
  readonly created_at: string;
  /** Of the answer as it is; packed, it has one of its own. */
  readonly etag: string;
  readonly encoding?: Encoding;
}

function marked(reply: FastifyReply, { release_id, created_at, etag, encoding }: Mark): FastifyReply {
  const packing = encoding === undefined || encoding === 'identity' ? undefined : encoding;
  if (packing !== undefined) reply.header('content-encoding', packing);
  return reply
    .header('etag', packing === undefined ? etag : etagAs(etag, packing))
    .header('dataflow-release', release_id)
    .header('dataflow-release-time', created_at);
}

function unchanged(request: FastifyRequest, reply: FastifyReply, mark: Mark): FastifyReply {
  const { release_id, created_at, etag } = mark;
  return marked(reply, { release_id, created_at, etag: knownAs(request, etag) ?? etag })
    .code(304)
    .send();
}

/** The same address in the same form from the same release is the same answer. */
function etagOf(release_id: string, question: string): string {
  return `"${release_id}-${createHash('sha256').update(question).digest('base64url').slice(0, 16)}"`;
}

/** Other bytes have another ETag: a cache between must not mix them up. */
function etagAs(etag: string, encoding: string): string {
  return `${etag.slice(0, -1)}.${encoding}"`;
}

/** The ETag, of whichever encoding, by which the client has the answer already. */
function knownAs({ headers }: FastifyRequest, etag: string): string | undefined {
  const told = headers['if-none-match'];
  if (told === undefined) return undefined;
  const same = new Set([etag, etagAs(etag, 'br'), etagAs(etag, 'gzip')]);
  return told
    .split(',')
    .map((one) => one.trim().replace(/^W\//, ''))
    .find((one) => same.has(one));
}

/** What a release that was named in full says never changes. */
function lifetimeOf(query: Readonly<Record<string, unknown>>): string {
  const exact = query['cursor'] !== undefined || /^[0-9a-z]{20}$/.test(String(query['as_of']));
  return exact ? 'max-age=31536000, immutable' : 'no-cache';
}

// An HTTP server on 127.0.0.1 whose every answer is scripted, for what a real service does only on its worst days.
//
//   const server = await scriptedHttp();
//   server.script('GET /items', [{ status: 503, headers: { 'retry-after': '1' } }, { body: '[1,2]' }]);  // the last one stays
//   server.script('GET /slow', [{ body: 'abc', drip: { bytes: 1, every_ms: 100 } }]);
//   server.script('*', [(request) => ({ status: 404, body: request.path })]);
//   … fetch(`${server.url}/items`) …
//   expect(server.requests.map((one) => one.target)).toEqual([…]);
//   await server.close();
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { resetNow } from './reset.ts';

/** One answer. Nothing given is `200` with an empty body. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Wait before the first byte. */
  readonly delay_ms?: number;
  /** Compress the body and say so; `cut` leaves out its last third, `flip` inverts a byte in its middle. */
  readonly gzip?: 'whole' | 'cut' | 'flip';
  /** Say this in Content-Length, whatever follows. The connection is closed after a body that is shorter. */
  readonly content_length?: number;
  /** Send the body in pieces, slowly. */
  readonly drip?: { readonly bytes: number; readonly every_ms: number };
  /** Close the connection when this much of the body went out (Content-Length says the whole). */
  readonly truncate_after_bytes?: number;
  /** `reset`: TCP reset instead of an answer. `hang`: never answer. `hang_in_body`: half of the body, then nothing more. */
  readonly instead?: 'reset' | 'hang' | 'hang_in_body';
}

/** A request that came in. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly at_ms: number;
  /** 0 for the first request of its script, then 1, … */
  readonly turn: number;
}

/** A fixed answer, or one that looks at the request. */
export type Step = Reply | ((request: SeenRequest) => Reply | Promise<Reply>);

export interface ScriptedHttp {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Answers for `GET /path` (query not looked at) or, if nothing else fits, `*`; in turn, the last one from then on. Replaces what was there. */
  script(route: string, steps: readonly [Step, ...Step[]]): void;
  /** How many requests were being answered at the same time, at most. */
  readonly most_at_once: number;
  close(): Promise<void>;
}

interface Script {
  readonly steps: readonly Step[];
  turns: number;
}

const NO_SCRIPT: Script = { steps: [{ status: 404, body: 'no script for this request' }], turns: 0 };

/** A redirect; `redirect('/a')` as the script of `GET /a` is a loop. */
export function redirect(to: string, status = 302): Reply {
  return { status, headers: { location: to } };
}

/** A JSON body. */
export function json(value: unknown, more: Reply = {}): Reply {
  return { ...more, body: JSON.stringify(value), headers: { 'content-type': 'application/json', ...more.headers } };
}

/** Starts it on a free port. */
export async function scriptedHttp(): Promise<ScriptedHttp> {
  const scripts = new Map<string, Script>();
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const load = { now: 0, most: 0 };
  const server = createServer((incoming, response) => {
    load.now += 1;
    load.most = Math.max(load.most, load.now);
    const over = (): number => (load.now -= 1);
    response.once('close', over);
    const method = incoming.method ?? 'GET';
    const target = incoming.url ?? '/';
    const [path = '/', query = ''] = target.split('?', 2);
    void bodyOf(incoming).then(async (body) => {
      const script = scripts.get(`${method} ${path}`) ?? scripts.get('*') ?? NO_SCRIPT;
      const turn = script.turns++;
      const head = { method, target, path, query: new URLSearchParams(query), headers: incoming.headers };
      const seen: SeenRequest = { ...head, body, at_ms: Date.now(), turn };
      requests.push(seen);
      const step = script.steps[Math.min(turn, script.steps.length - 1)] ?? {};
      await answer(response, method, typeof step === 'function' ? await step(seen) : step);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // The client left: that is what these tests are about.
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    script: (route, steps) => void scripts.set(route, { steps, turns: 0 }),
    get most_at_once() {
      return load.most;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
  } catch {
    // The client left in the middle.
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function answer(response: ServerResponse, method: string, reply: Reply): Promise<void> {
  if (reply.delay_ms !== undefined) await sleep(reply.delay_ms);
  if (reply.instead === 'hang') return;
  if (reply.instead === 'reset') {
    if (response.socket !== null) resetNow(response.socket);
    return;
  }
  const body = bytesOf(reply);
  for (const [name, value] of Object.entries(reply.headers ?? {}))
    response.setHeader(name, typeof value === 'string' ? value : [...value]);
  if (reply.gzip !== undefined) response.setHeader('content-encoding', 'gzip');
  const told = reply.content_length ?? body.length;
  if (told !== body.length || !response.hasHeader('transfer-encoding')) response.setHeader('content-length', told);
  response.writeHead(reply.status ?? 200);
  if (method === 'HEAD') {
    response.end();
    return;
  }
  const end = reply.instead === 'hang_in_body' ? Math.floor(body.length / 2) : reply.truncate_after_bytes;
  await send(response, body.subarray(0, end), reply);
  if (reply.instead === 'hang_in_body') return;
  if (reply.truncate_after_bytes !== undefined || told > body.length) response.socket?.destroySoon();
  else response.end();
}

function bytesOf(reply: Reply): Buffer {
  const plain = Buffer.from(reply.body ?? '');
  if (reply.gzip === undefined) return plain;
  const packed = gzipSync(plain);
  if (reply.gzip === 'cut') return packed.subarray(0, Math.ceil((packed.length * 2) / 3));
  const middle = packed.length >> 1;
  if (reply.gzip === 'flip') packed[middle] = (packed[middle] ?? 0) ^ 0xff;
  return packed;
}

/** Writes it, as fast as it may, and waits until the system has it or the client is gone. */
async function send(response: ServerResponse, body: Buffer, reply: Reply): Promise<void> {
  const piece = reply.drip?.bytes ?? Math.max(1, body.length);
  if (body.length === 0) response.flushHeaders();
  for (let at = 0; at < body.length && !response.destroyed; at += piece) {
    await new Promise<void>((resolve) => {
      response.once('close', resolve);
      response.write(body.subarray(at, at + piece), () => {
        response.off('close', resolve);
        resolve();
      });
    });
    if (reply.drip !== undefined) await sleep(reply.drip.every_ms);
  }
}

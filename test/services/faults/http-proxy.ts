// An HTTP proxy on 127.0.0.1 in front of a real server, for what overloaded and breaking services do to single requests.
//
//   const proxy = await httpProxy('127.0.0.1:9000');
//   proxy.plan({ when: ({ method, query }) => method === 'PUT' && query.has('partNumber'), mishap: 'truncated', times: 1 });
//   … a client of `http://${proxy.address}` …
//   proxy.met                how many requests met a mishap
//   proxy.clear();           from now on everything passes
//   await proxy.close();
//
// A request whose Host is not the proxy's own (a client that was told that some other host is here) goes to that host.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { resetNow } from './reset.ts';

/**
 * `503`, `429`, `500`: refused; the server never hears of it. `error`: it is done, and answered by 200 with an error as its document. `reset`: the connection is
 * reset, in the middle of a large body, else after the server has done what was asked. `timeout`: it is done, and the answer never comes. `truncated`: it is done,
 * and half of the answer comes.
 */
export type Mishap = '503' | '429' | '500' | 'error' | 'reset' | 'timeout' | 'truncated';

export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Whether it is for the server in front of which the proxy stands, not for one that it names. */
  readonly own: boolean;
}

export interface Plan {
  when(asked: ProxiedRequest): boolean;
  readonly mishap: Mishap;
  /** Requests that meet it; those that follow pass. */
  readonly times: number;
}

export interface HttpProxy {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** Requests that met a mishap so far. */
  readonly met: number;
  plan(...plans: readonly Plan[]): void;
  clear(): void;
  close(): Promise<void>;
}

/** A body from this size on is broken off in its middle. */
const LARGE_BYTES = 64 * 1024;

/** As S3 has it when something goes wrong after it began to answer. */
const ERROR =
  '<?xml version="1.0" encoding="UTF-8"?>\n\n<Error><Code>InternalError</Code><Message>Please try again.</Message></Error>';

/** Starts it. @param target host:port of the server */
export async function httpProxy(target: string): Promise<HttpProxy> {
  const state = { address: '', met: 0, plans: [] as { plan: Plan; left: number }[] };
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    const { host = '' } = incoming.headers;
    const url = new URL(incoming.url ?? '/', 'http://x');
    const own = host === state.address;
    const asked = { method: incoming.method ?? 'GET', path: url.pathname, query: url.searchParams, own };
    const found = state.plans.find(({ plan, left }) => left > 0 && plan.when(asked));
    if (found !== undefined) {
      found.left -= 1;
      state.met += 1;
    }
    pass(incoming, response, own ? target : host, found?.plan.mishap);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // The client left.
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    get address() {
      return state.address;
    },
    get met() {
      return state.met;
    },
    plan: (...plans) => {
      state.plans = plans.map((plan) => ({ plan, left: plan.times }));
    },
    clear: () => {
      state.plans = [];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function pass(incoming: IncomingMessage, response: ServerResponse, to: string, mishap: Mishap | undefined): void {
  if (mishap === '503' || mishap === '429' || mishap === '500') {
    const headers = mishap === '500' ? {} : { 'retry-after': '0' };
    incoming.resume().once('end', () => response.writeHead(Number(mishap), headers).end('<html>'));
    return;
  }
  const [hostname = '', port = ''] = to.split(':');
  const { method = 'GET', url = '/', headers } = incoming;
  const passed = request({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
    if (mishap === 'timeout') answer.resume();
    else if (mishap === 'reset') answer.resume().once('end', () => reset(response));
    else if (mishap === 'error') answer.resume().once('end', () => response.writeHead(200).end(ERROR));
    else if (mishap === 'truncated') void truncate(answer, response);
    else {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy()).pipe(response);
    }
  });
  passed.on('error', () => response.destroy());
  response.once('close', () => passed.destroy());
  const length = Number(headers['content-length'] ?? 0);
  if (mishap === 'reset' && length >= LARGE_BYTES) breakOff(incoming, passed, response, length / 2);
  else incoming.pipe(passed);
}

/** Lets the server have a part of the body, then ends both connections. */
function breakOff(
  incoming: IncomingMessage,
  passed: ReturnType<typeof request>,
  response: ServerResponse,
  bytes: number,
): void {
  let left = bytes;
  incoming.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const part = chunk.subarray(0, left);
    left -= chunk.length;
    passed.write(part, () => {
      if (left > 0) return;
      passed.destroy();
      reset(response);
    });
  });
}

/** Half of the body that the head announces; half of the first line where there is no body. */
async function truncate(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer);
  } catch {
    return; // The client did not wait.
  }
  const body = Buffer.concat(chunks);
  const { socket } = response;
  if (body.length < 2) {
    socket?.end('HTTP/1.1 20');
    return;
  }
  const headers = { ...answer.headers, 'content-length': String(body.length) };
  delete headers['transfer-encoding'];
  response.writeHead(answer.statusCode ?? 200, headers);
  response.write(body.subarray(0, body.length / 2), () => socket?.end());
}

function reset({ socket }: ServerResponse): void {
  if (socket !== null) resetNow(socket);
}

import { randomBytes } from 'node:crypto';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts';

let echo: Server;
let proxy: TcpProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  proxy = await tcpProxy(`127.0.0.1:${(echo.address() as { port: number }).port}`);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

interface Client {
  readonly socket: Socket;
  received(): Buffer;
  /** `end`, or the code of the error that ended it. */
  readonly ended: Promise<string>;
}

async function connect(): Promise<Client> {
  const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
  clients.push(socket);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.once('end', () => resolve('end'));
  });
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, received: () => Buffer.concat(chunks), ended };
}

async function until(true_now: () => boolean): Promise<void> {
  while (!true_now()) await sleep(5);
}

describe('TCP proxy', () => {
  it('passes everything, in order, and the end', async () => {
    const sent = randomBytes(3_000_000);
    const client = await connect();
    client.socket.end(sent);
    expect(await client.ended).toBe('end');
    expect(client.received().equals(sent)).toBe(true);
    expect(proxy.bytes).toEqual({ up: sent.length, down: sent.length });
    await until(() => proxy.open === 0);
    expect(proxy.accepted).toBe(1);
  });

  it('delays each way', async () => {
    proxy.latency_ms = 60;
    const client = await connect();
    const from = performance.now();
    client.socket.write('ping');
    await until(() => client.received().length === 4);
    expect(performance.now() - from).toBeGreaterThanOrEqual(115);
  });

  it('resets after so many bytes, once', async () => {
    proxy.resetAfter('down', 100_000);
    const client = await connect();
    client.socket.write(randomBytes(300_000));
    expect(await client.ended).toBe('ECONNRESET');
    expect(proxy.bytes.down).toBe(100_000);
    const next = await connect();
    next.socket.write(randomBytes(300_000));
    await until(() => next.received().length === 300_000);
  });

  it('swallows, and lets go of it again', async () => {
    const client = await connect();
    proxy.black_hole = true;
    client.socket.write('ping');
    await sleep(80);
    expect(client.received().length).toBe(0);
    proxy.black_hole = false;
    await until(() => client.received().toString() === 'ping');
  });

  it('cuts, refuses, and accepts on the same port', async () => {
    const client = await connect();
    const { port } = proxy;
    client.socket.write('ping');
    await until(() => client.received().length === 4);
    proxy.cut();
    expect(await client.ended).toBe('ECONNRESET');
    await proxy.refuse();
    const refused = createConnection({ host: '127.0.0.1', port });
    const code = await new Promise((resolve) =>
      refused.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
    );
    expect(code).toBe('ECONNREFUSED');
    await proxy.accept();
    expect(proxy.port).toBe(port);
    const again = await connect();
    again.socket.write('pong');
    await until(() => again.received().toString() === 'pong');
  });
});

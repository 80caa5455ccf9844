// A TCP proxy on 127.0.0.1 in front of a real server, for what networks do.
//
//   const proxy = await tcpProxy('127.0.0.1:5432');
//   new pg.Client({ host: '127.0.0.1', port: proxy.port, … });
//   proxy.latency_ms = 50;                   each piece of data waits that long, in both directions
//   proxy.resetAfter('down', 100_000);       once that many more bytes went to clients: TCP reset of the connection that carried them; once
//   proxy.black_hole = true;                 connections open and stay, nothing passes any more; false lets everything pass again
//   proxy.cut();                             TCP reset of all connections, now
//   await proxy.refuse(); await proxy.accept();   nobody listens; listens again on the same port
//   await proxy.close();
//   await tcpProxy(address, { sent: (bytes) => … });   sees what clients send
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { resetNow } from './reset.ts';

/** `up`: from the client to the server. */
export type Direction = 'up' | 'down';

export interface TcpProxy {
  readonly port: number;
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  latency_ms: number;
  black_hole: boolean;
  /** Bytes passed so far. */
  readonly bytes: Readonly<Record<Direction, number>>;
  /** Connections taken so far, and those open now. */
  readonly accepted: number;
  readonly open: number;
  resetAfter(direction: Direction, bytes: number): void;
  cut(): void;
  refuse(): Promise<void>;
  accept(): Promise<void>;
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 5;
// Node reads a reset that comes together with the last bytes as an ordinary end of the stream, so it comes a little later.
const RESET_AFTER_MS = 25;

/** Starts it; `port` where the server has announced itself under another one, else a free one. `sent` is shown each piece of what clients send. */
export async function tcpProxy(
  target: string,
  options: { readonly port?: number; readonly sent?: (bytes: Buffer) => void } = {},
): Promise<TcpProxy> {
  const proxy = new OneProxy(target, options.sent);
  await proxy.listen(options.port ?? 0);
  return proxy;
}

class OneProxy implements TcpProxy {
  port = 0;
  latency_ms = 0;
  black_hole = false;
  readonly bytes = { up: 0, down: 0 };
  accepted = 0;
  private readonly target: string;
  private readonly pairs = new Set<Pair>();
  private readonly resets: Partial<Record<Direction, number>> = {};
  private readonly sent: ((bytes: Buffer) => void) | undefined;
  private server: Server | undefined;

  constructor(target: string, sent: ((bytes: Buffer) => void) | undefined) {
    this.target = target;
    this.sent = sent;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get open(): number {
    return this.pairs.size;
  }

  listen(port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.take(client));
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        this.port = typeof address === 'object' && address !== null ? address.port : port;
        resolve();
      });
    });
  }

  resetAfter(direction: Direction, bytes: number): void {
    this.resets[direction] = this.bytes[direction] + bytes;
  }

  cut(): void {
    for (const pair of this.pairs) this.reset(pair);
  }

  async refuse(): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.server === undefined ? resolve() : this.server.close(() => resolve()),
    );
    this.server = undefined;
    this.cut();
    await closed;
  }

  accept(): Promise<void> {
    return this.server === undefined ? this.listen(this.port) : Promise.resolve();
  }

  close(): Promise<void> {
    return this.refuse();
  }

  private take(client: Socket): void {
    this.accepted += 1;
    const [host = '127.0.0.1', port = '0'] = this.target.split(':');
    const server = createConnection({ host, port: Number(port), allowHalfOpen: true });
    const pair: Pair = { client, server };
    this.pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.reset(pair));
      socket.once('close', () => {
        if (client.destroyed && server.destroyed) this.pairs.delete(pair);
      });
    }
    void this.pump(pair, client, server, 'up');
    void this.pump(pair, server, client, 'down');
  }

  /** Passes what comes, in order, no faster than the other side takes it. */
  private async pump(pair: Pair, from: Socket, to: Socket, direction: Direction): Promise<void> {
    try {
      // The plain iterator destroys the socket at its end, and with it what is still to be written the other way.
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        if (this.latency_ms > 0) await sleep(this.latency_ms);
        while (this.black_hole && !to.destroyed) await sleep(LOOK_EVERY_MS);
        await this.pass(pair, to, chunk as Buffer, direction);
      }
      to.end();
    } catch {
      this.reset(pair);
    }
  }

  private async pass(pair: Pair, to: Socket, chunk: Buffer, direction: Direction): Promise<void> {
    if (direction === 'up') this.sent?.(chunk);
    const limit = this.resets[direction];
    const rest = limit === undefined ? chunk.length : Math.min(chunk.length, limit - this.bytes[direction]);
    this.bytes[direction] += rest;
    await new Promise<void>((resolve, reject) => {
      to.write(chunk.subarray(0, rest), (error) => (error == null ? resolve() : reject(error)));
    });
    if (limit === undefined || this.bytes[direction] < limit) return;
    delete this.resets[direction];
    await sleep(RESET_AFTER_MS);
    this.reset(pair);
  }

  private reset(pair: Pair): void {
    this.pairs.delete(pair);
    for (const socket of [pair.client, pair.server]) if (!socket.destroyed) resetNow(socket);
  }
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

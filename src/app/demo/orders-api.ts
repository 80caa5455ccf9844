import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ordersOf } from './orders.ts';

/** An API in this process, on a free port of the loopback address. */
export interface OrdersApi {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** Requests that it refused so far. */
  refused(): number;
  close(): Promise<void>;
}

/** Requests that are refused, by their number, and with what. */
const REFUSALS: ReadonlyMap<number, number> = new Map([
  [2, 503],
  [4, 429],
]);

/** `GET /orders?page=1&limit=50` gives `{orders, total}`; refuses two requests as a busy API does. */
export async function openOrdersApi(): Promise<OrdersApi> {
  const orders = ordersOf('orders_api');
  let [asked, refused] = [0, 0];
  const server = createServer((request, response) => {
    asked += 1;
    const status = REFUSALS.get(asked);
    if (status !== undefined) {
      refused += 1;
      return response.writeHead(status, status === 429 ? { 'retry-after': '1' } : {}).end();
    }
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
    const [page, limit] = [Number(query.get('page') ?? 1), Number(query.get('limit') ?? 50)];
    const found = orders.slice((page - 1) * limit, page * limit);
    return response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ orders: found, total: orders.length }));
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: () => refused,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

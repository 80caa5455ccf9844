// A stand-in for a schema registry with Confluent's protocol: no such server comes from a package registry. Schemas live in memory.
//
//   const registry = await schemaRegistry();
//   const id = await registry.register('orders-value', { type: 'record', name: 'Order', fields: [] });
//   registry.fail(503, 2);               the next two requests get this status
//   registry.requests                    what was asked: ['GET /schemas/ids/1', …]
//   await registry.close();
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SchemaRegistryStandIn {
  readonly url: string;
  readonly requests: readonly string[];
  /** Puts a schema under a subject, as its next version; the same schema has the same number everywhere. */
  register(subject: string, schema: unknown): Promise<number>;
  fail(status: number, times: number): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Starts it on a free port of 127.0.0.1. */
export async function schemaRegistry(): Promise<SchemaRegistryStandIn> {
  const schemas = new Schemas();
  const requests: string[] = [];
  const trouble = { status: 500, times: 0 };
  const server = createServer(async (incoming, response) => {
    const { method = 'GET', url = '/' } = incoming;
    requests.push(`${method} ${url}`);
    const failing = trouble.times > 0;
    if (failing) trouble.times -= 1;
    const body = await bodyOf(incoming);
    const answer = failing ? { status: trouble.status, body: {} } : schemas.answer(method, url, body);
    response.writeHead(answer.status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    register: async (subject, schema) => {
      const body = JSON.stringify({ schema: JSON.stringify(schema) });
      const answer = await fetch(`${url}/subjects/${encodeURIComponent(subject)}/versions`, { method: 'POST', body });
      return ((await answer.json()) as { id: number }).id;
    },
    fail: (status, times) => void Object.assign(trouble, { status, times }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Registered {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: unknown;
}

class Schemas {
  private readonly texts: string[] = [];
  /** Numbers of the versions of each subject. */
  private readonly subjects = new Map<string, number[]>();

  answer(method: string, url: string, body: string): Answer {
    const [first, second = '', third, fourth] = url.slice(1).split('?')[0]?.split('/').map(decodeURIComponent) ?? [];
    if (method === 'GET' && first === 'schemas' && second === 'ids') return this.byId(Number(third));
    if (first === 'subjects' && third === 'versions') {
      if (method === 'POST') return { status: 200, body: { id: this.add(second, JSON.parse(body)) } };
      if (method === 'GET' && fourth !== undefined) return this.version(second, fourth);
    }
    if (method === 'GET' && url === '/subjects') return { status: 200, body: [...this.subjects.keys()] };
    return { status: 404, body: { error_code: 404, message: 'HTTP 404 Not Found' } };
  }

  private add(subject: string, schema: Registered): number {
    const text = JSON.stringify(schema);
    const known = this.texts.indexOf(text) + 1;
    const id = known > 0 ? known : this.texts.push(text);
    const versions = this.subjects.get(subject) ?? [];
    if (!versions.includes(id)) this.subjects.set(subject, [...versions, id]);
    return id;
  }

  private byId(id: number): Answer {
    const text = this.texts[id - 1];
    if (text === undefined) return { status: 404, body: { error_code: 40403, message: 'Schema not found' } };
    return { status: 200, body: JSON.parse(text) };
  }

  private version(subject: string, asked: string): Answer {
    const versions = this.subjects.get(subject) ?? [];
    const version = asked === 'latest' ? versions.length : Number(asked);
    const id = versions[version - 1];
    if (id === undefined) return { status: 404, body: { error_code: 40402, message: 'Version not found' } };
    return { status: 200, body: { subject, version, id, ...JSON.parse(this.texts[id - 1] ?? '{}') } };
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

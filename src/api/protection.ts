import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';
import type { ServeSpec } from '../core/model/serve.ts';
import { isLoopback } from './addresses.ts';

/** How late the process may come to what waits, on average over a second: beyond it, it cannot keep up. */
export const EVENT_LOOP_DELAY_MAX_MS = 1_000;
const REQUESTS_PER_MINUTE = 6_000;

/** What a browser may do with an answer; nothing is written into a page, no script stands in one. */
const CONTENT_SECURITY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

/** The headers that tell browsers what to do with an answer. They never differ, so that they are made once. */
export function browserHeaders(spec: ServeSpec): Readonly<Record<string, string>> {
  const made: Record<string, string> = {};
  const collect = helmet({
    contentSecurityPolicy: CONTENT_SECURITY,
    // Whoever puts TLS before the server says so there.
    hsts: false,
    frameguard: { action: 'deny' },
    crossOriginResourcePolicy: { policy: spec.cors.length > 0 ? 'cross-origin' : 'same-origin' },
  });
  const answer = new ServerResponse(new IncomingMessage(new Socket()));
  collect(answer.req, answer, (error) => {
    if (error !== undefined) throw error;
  });
  for (const [name, value] of Object.entries(answer.getHeaders())) made[name] = String(value);
  return made;
}

/** Pages of other origins, how often somebody may ask, and what is answered when the process cannot keep up. */
export async function addProtection(
  app: FastifyInstance,
  spec: ServeSpec,
  host: string,
  event_loop_delay_max_ms: number,
): Promise<void> {
  if (spec.cors.length > 0)
    await app.register(cors, {
      origin: [...spec.cors],
      methods: ['GET', 'HEAD'],
      allowedHeaders: ['authorization', 'if-none-match'],
      exposedHeaders: ['etag', 'dataflow-release', 'dataflow-release-time', 'retry-after'],
      maxAge: 600,
    });
  const per_minute = spec.limits.requests_per_minute ?? (isLoopback(host) ? undefined : REQUESTS_PER_MINUTE);
  if (per_minute !== undefined)
    await app.register(rateLimit, { global: true, max: per_minute, timeWindow: '1 minute', cache: 10_000 });
  await app.register(underPressure, {
    maxEventLoopDelay: event_loop_delay_max_ms,
    retryAfter: 5,
    pressureHandler: (request) => {
      if (request.url === '/health' || request.url === '/ready') return;
      throw Object.assign(new Error('overloaded'), { statusCode: 503 });
    },
  });
}

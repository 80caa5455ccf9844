import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
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

/** Headers for browsers, pages of other origins, how often somebody may ask, and what is answered when the process cannot keep up. */
export async function addProtection(
  app: FastifyInstance,
  spec: ServeSpec,
  host: string,
  event_loop_delay_max_ms: number,
): Promise<void> {
  await app.register(helmet, {
    global: false,
    contentSecurityPolicy: CONTENT_SECURITY,
    // Whoever puts TLS before the server says so there.
    hsts: false,
    frameguard: { action: 'deny' },
    crossOriginResourcePolicy: { policy: spec.cors.length > 0 ? 'cross-origin' : 'same-origin' },
  });
  addBrowserHeaders(app);
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

/** The plugin makes its headers anew for each answer, which takes a fifth of the time of a kept one. They never differ: the first ones serve all. */
function addBrowserHeaders(app: FastifyInstance): void {
  let made: readonly (readonly [string, string])[] | undefined;
  app.addHook('onRequest', (_, reply, done) => {
    if (made === undefined) {
      reply.helmet();
      made = Object.entries(reply.raw.getHeaders()).map(([name, value]) => [name, String(value)]);
    } else for (const [name, value] of made) reply.raw.setHeader(name, value);
    done();
  });
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const INDEX = 'index.html';
/** Addresses that the pages have for themselves: what stands there is decided in the browser. */
const PAGE_PATH = /^\/($|d(\/|$)|pipeline(\/|$))/;

/** The pages for a browser: files with a hash in their names for ever, the rest asked for again. */
export async function addPages(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    index: false,
    dotfiles: 'deny',
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => void reply.header('cache-control', lifetimeOf(path)),
  });
  app.get('/', async (_, reply) => sendPage(reply));
}

/** Whether a browser asks for a page that is made from the one there is. */
export function isPage({ method, url, headers: { accept = '' } }: FastifyRequest): boolean {
  const path = url.split('?', 1)[0] ?? '';
  return (method === 'GET' || method === 'HEAD') && accept.includes('text/html') && PAGE_PATH.test(path);
}

export function sendPage(reply: FastifyReply): FastifyReply {
  return reply.code(200).sendFile(INDEX);
}

/** Vite writes a hash of the content into the names of what lies in assets/. */
function lifetimeOf(path: string): string {
  return /[\\/]assets[\\/][^\\/]+-[\w-]{8,}\.\w+(\.(br|gz))?$/.test(path)
    ? 'public, max-age=31536000, immutable'
    : 'no-cache';
}

/** Where the pages lie: beside the program, or where it was built. Undefined when they were not built. */
export function pagesFolder(): string | undefined {
  const places = [new URL('./dashboard/', import.meta.url), new URL('../../dist/dashboard/', import.meta.url)];
  return places.map((one) => fileURLToPath(one)).find((folder) => existsSync(join(folder, INDEX)));
}

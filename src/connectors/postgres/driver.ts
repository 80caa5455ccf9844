import type { Client } from 'pg';

/**
 * The driver, loaded when it is first needed. It asks at its start whether it runs at Cloudflare: by `navigator`, or without one by making a `Response`, which
 * costs Node 20 the whole of its fetch, some 25 ms. So it finds a navigator for as long as it loads.
 */
export async function pgDriver(): Promise<typeof Client> {
  const lacks = !('navigator' in globalThis);
  if (lacks) Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Node.js' }, configurable: true });
  try {
    return (await import('pg')).default.Client;
  } finally {
    if (lacks) Reflect.deleteProperty(globalThis, 'navigator');
  }
}

import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodingOf } from '../../src/api/encodings.ts';
import { type Served, serveProject } from './served-project.ts';

let served: Served;
beforeAll(async () => {
  served = await serveProject(
    `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } } }
gold: { x: { sql: select id from bronze.a, key: id } }
serve: { routes: { /large: { sql: "select range as n, repeat('x', 200) as w from range(10000)" } } }
`,
    { 'in/a.csv': `id\n${Array.from({ length: 500 }, (_, i) => i).join('\n')}\n` },
  );
});
afterAll(() => served.close());

/** The bytes of an answer as they go over the wire. */
async function bytes(url: string, headers: Record<string, string>) {
  const {
    rawPayload,
    headers: got,
    statusCode,
  } = await served.app.inject({ url, headers: { host: 'localhost', ...headers } });
  return { raw: rawPayload, got, status: statusCode };
}

describe('answers are packed as the client takes them', () => {
  const ROWS = '/api/v1/tables/gold/x?limit=500';

  it.each(['', '&format=csv', '&format=ndjson'])(
    '%s: the same text, with an ETag and Vary of its own',
    async (format) => {
      const plain = await bytes(ROWS + format, {});
      const br = await bytes(ROWS + format, { 'accept-encoding': 'gzip, deflate, br' });
      const gz = await bytes(ROWS + format, { 'accept-encoding': 'gzip' });
      expect(plain.got['content-encoding']).toBeUndefined();
      expect([br.got['content-encoding'], gz.got['content-encoding']]).toEqual(['br', 'gzip']);
      expect(brotliDecompressSync(br.raw).equals(plain.raw)).toBe(true);
      expect(gunzipSync(gz.raw).equals(plain.raw)).toBe(true);
      expect(br.raw.length).toBeLessThan(plain.raw.length / 2);
      expect(new Set([plain, br, gz].map((one) => one.got.etag)).size).toBe(3);
      for (const one of [plain, br, gz]) {
        expect(one.got.vary).toContain('Accept-Encoding');
        expect(Number(one.got['content-length'])).toBe(one.raw.length);
        const again = await bytes(ROWS + format, { 'if-none-match': String(one.got.etag), 'accept-encoding': 'br' });
        expect([again.status, again.got.etag, again.raw.length]).toEqual([304, one.got.etag, 0]);
      }
    },
  );

  it('is kept packed, and counted once it is asked for again', async () => {
    const hits = async (): Promise<number> =>
      Number(
        /^dataflow_serve_cache_hits_total\{project="\w+"\} (\d+)$/m.exec((await served.get('/metrics')).text)?.[1],
      );
    const url = `${ROWS}&sort=-id`;
    const first = await bytes(url, { 'accept-encoding': 'br' });
    const before = await hits();
    expect((await bytes(url, { 'accept-encoding': 'br' })).raw.equals(first.raw)).toBe(true);
    expect(await hits()).toBe(before + 1);
    expect((await bytes(url, {})).raw.equals(brotliDecompressSync(first.raw))).toBe(true);
  });

  it('packs what goes out as it is made, and leaves small answers and errors alone', async () => {
    const large = await bytes('/large', { 'accept-encoding': 'br' });
    expect(JSON.parse(brotliDecompressSync(large.raw).toString())).toHaveLength(10_000);
    expect(large.got['content-length']).toBeUndefined();
    for (const url of ['/api/v1/tables/gold/x/1', '/api/v1/tables/gold/x?nope=1'])
      expect((await bytes(url, { 'accept-encoding': 'br' })).got['content-encoding']).toBeUndefined();
    const script = await bytes('/docs/swagger-ui-bundle.js', { 'accept-encoding': 'gzip' });
    expect(gunzipSync(script.raw).toString()).toContain('SwaggerUIBundle');
  });

  it.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip;q=1.0, br;q=0.5', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['identity, gzip;q=0.5', 'identity'],
    ['deflate, zstd', 'identity'],
    ['BR', 'br'],
  ])('%s asks for %s', (header, wanted) => {
    expect(encodingOf(header)).toBe(wanted);
  });
});

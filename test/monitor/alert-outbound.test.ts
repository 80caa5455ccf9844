import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { deliver } from '../../src/app/monitor/alerts/deliver.ts';

/** What names resolve to: nobody is asked about them. */
const names = new Map<string, readonly string[]>();
const asked: string[] = [];
vi.mock('node:dns', async (original) => ({
  ...(await original<typeof import('node:dns')>()),
  lookup: (host: string, _options: object, done: (error: Error | null, found: object[]) => void) => {
    asked.push(host);
    const found = (names.get(host) ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    done(found.length === 0 ? new Error(`${host} is unknown`) : null, found);
  },
}));

describe('the webhook of an alert, by the rules for going out', () => {
  let server: Server;
  let port = 0;
  let told: string[] = [];
  let answer: [number, Record<string, string>] = [200, {}];
  beforeAll(async () => {
    server = createServer((request, response) => {
      told.push(request.url ?? '');
      request.resume().on('end', () => response.writeHead(...answer).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    told = [];
    asked.length = 0;
    answer = [200, {}];
  });
  const post = async (host: string): Promise<string> => {
    const spec = { when: 'run_failed', tables: [], headers: {}, shape: 'generic' } as const;
    const message = { project: 'p', alert: 'run_failed', state: 'open', subject: 'runs', text: 't', at: '' } as const;
    return await deliver({ ...spec, post: `http://${host}:${port}/hook` }, message, '.').then(
      () => 'told',
      (error: Error) => error.message,
    );
  };

  it('fault 50: a name that leads to a private address is refused at once, whatever else it leads to', async () => {
    for (const addresses of [
      ['127.0.0.1'],
      ['169.254.169.254'],
      ['93.184.216.34', '10.0.0.7'],
      ['::1'],
      ['::ffff:127.0.0.1'],
      ['64:ff9b::a9fe:a9fe'],
    ]) {
      names.set('hook.test', addresses);
      asked.length = 0;
      expect(await post('hook.test'), addresses.join()).toMatch(
        /run_failed: .*hook\.test \(.+\) is a private address$/,
      );
      // It would be no other one at another attempt.
      expect(asked).toEqual(['hook.test']);
    }
    expect(told).toEqual([]);
  });

  it('fault 50: a private address that is written out is meant; where it leads to is not', async () => {
    expect(await post('127.0.0.1')).toBe('told');
    for (const location of ['http://169.254.169.254/latest', 'file:///etc/passwd', '/elsewhere']) {
      answer = [302, { location }];
      expect(await post('127.0.0.1')).toMatch(/127\.0\.0\.1:\d+ answered 302$/);
    }
    expect(new Set(told)).toEqual(new Set(['/hook']));
    expect(asked).toEqual([]);
  });
});

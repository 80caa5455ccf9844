import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLiterallyPrivate, isPublicAddress } from '../../src/kit/outbound.ts';
import { json, redirect, type ScriptedHttp, scriptedHttp } from '../services/faults/http-server.ts';
import { heldRaw, problemsOf, pull } from './http-pull.ts';

/** Signing in, and the rules for going out. */
let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

const ONE = json([{ id: 1 }]);
const SECRET = 's3cr3t-value';

describe('signing in', () => {
  it.each([
    ['bearer', { token: SECRET }, 'authorization', `Bearer ${SECRET}`],
    [
      'basic',
      { user: 'ann', password: SECRET },
      'authorization',
      `Basic ${Buffer.from(`ann:${SECRET}`).toString('base64')}`,
    ],
    ['api_key', { name: 'X-Api-Key', key: SECRET }, 'x-api-key', SECRET],
  ])('sends %s', async (type, more, header, value) => {
    server.script('GET /a', [ONE]);
    expect((await pull({ url: `${server.url}/a`, auth: { type, ...more } })).error).toBeUndefined();
    expect(server.requests[0]?.headers[header]).toBe(value);
  });

  it('sends a key in the query, and keeps it out of what is kept and told', async () => {
    const auth = { type: 'api_key', name: 'appid', key: SECRET, in: 'query' };
    server.script('GET /a', [{ status: 500 }, ONE]);
    const raw = heldRaw();
    const { notes } = await pull({ url: `${server.url}/a`, query: { q: 1 }, auth, keep_raw: true }, { raw });
    expect(server.requests[0]?.target).toBe(`/a?q=1&appid=${SECRET}`);
    server.script('GET /a', [{ status: 403 }]);
    const { error } = await pull({ url: `${server.url}/a`, auth });
    expect(error?.code).toBe('E_SOURCE_DENIED');
    expect(JSON.stringify([raw.kept.map(({ entry }) => entry), notes, error?.message])).not.toContain(SECRET);
    expect(raw.kept).toHaveLength(1);
  });

  it('case 47: a token that expires in mid paging is renewed, once per refusal', async () => {
    const granted: string[] = [];
    server.script('POST /token', [
      ({ turn }) => {
        granted.push(`t${turn}`);
        return json({ access_token: `t${turn}`, expires_in: 3600 });
      },
    ]);
    // The second page refuses the first token.
    server.script('GET /a', [
      ({ query, headers }) => {
        const page = Number(query.get('page'));
        if (page > 1 && headers.authorization === 'Bearer t0') return { status: 401 };
        return json(page > 3 ? [] : [{ id: page }]);
      },
    ]);
    const auth = {
      type: 'oauth2',
      token_url: `${server.url}/token`,
      client_id: 'me',
      client_secret: SECRET,
      scope: 'read',
    };
    const options = { url: `${server.url}/a`, auth, pages: { style: 'page', empty_max: 1 } };
    const { records, error } = await pull(options);
    expect(error).toBeUndefined();
    expect(records).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(granted).toEqual(['t0', 't1']);
    const [first] = server.requests;
    expect([first?.path, first?.body]).toEqual(['/token', 'grant_type=client_credentials&scope=read']);
    expect(first?.headers.authorization).toBe(`Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`);
    // Refused for good: an error, not a loop.
    server.script('GET /a', [json({ error: 'token t2 is bad' }, { status: 401 })]);
    const refused = await pull(options);
    expect(refused.error?.code).toBe('E_SOURCE_DENIED');
    expect(refused.error?.message).not.toMatch(/t2|t3/);
    expect(granted).toHaveLength(4);
  });

  it('renews a token before it ends, and says so when no token is given out', async () => {
    server.script('POST /token', [({ turn }) => json({ access_token: `t${turn}`, expires_in: 0.001 })]);
    server.script('GET /a', [({ turn }) => json(turn > 1 ? [] : [{ id: turn }])]);
    const auth = {
      type: 'oauth2',
      token_url: `${server.url}/token`,
      client_id: 'me',
      client_secret: SECRET,
      client_auth: 'body',
    };
    await pull({
      url: `${server.url}/a`,
      auth,
      rate: { requests: 1, per_ms: 20 },
      pages: { style: 'page', empty_max: 1 },
    });
    const tokens = server.requests.filter(({ path }) => path === '/token');
    expect(tokens).toHaveLength(3);
    expect(tokens[0]?.body).toContain(`client_secret=${SECRET}`);
    server.script('POST /token', [{ status: 400, body: '{"error":"invalid_client"}' }]);
    expect((await pull({ url: `${server.url}/a`, auth })).error).toMatchObject({ code: 'E_SOURCE_DENIED' });
    server.script('POST /token', [{ body: '<html>' }]);
    expect((await pull({ url: `${server.url}/a`, auth })).error).toMatchObject({ code: 'E_HTTP_BODY' });
  });

  it('says which field is missing', () => {
    const auth = (more: object) => problemsOf({ url: 'http://a.example', auth: more });
    expect(auth({ type: 'basic', user: 'a' })).toEqual(['auth.password: type: basic needs password']);
    expect(auth({ type: 'bearer' })).toEqual(['auth.token: type: bearer needs token']);
    expect(auth({ type: 'oauth2', token_url: 'file:///etc/passwd', client_id: 'a', client_secret: 'b' })).toHaveLength(
      1,
    );
    expect(problemsOf({ url: 'http://user:pass@a.example' })).toHaveLength(1);
  });
});

describe('rules for going out', () => {
  it('knows the addresses of the open internet from all others', () => {
    const closed = [
      '127.0.0.1',
      '10.1.1.1',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '0.0.0.0',
      '100.64.0.1',
      '224.0.0.1',
      '255.255.255.255',
    ];
    const closed6 = [
      '::1',
      '::',
      'fe80::1',
      'fd00::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::7f00:1',
      '64:ff9b::a9fe:a9fe',
      '2002:7f00:1::',
      '2001:db8::1',
      'ff02::1',
      '2001::1',
      'x',
    ];
    for (const address of [...closed, ...closed6]) expect(isPublicAddress(address), address).toBe(false);
    for (const address of ['8.8.8.8', '2606:4700::1111', '64:ff9b::808:808', '2002:808:808::'])
      expect(isPublicAddress(address), address).toBe(true);
    for (const host of ['localhost', 'LOCALHOST.', 'a.localhost', '[::1]', '127.1.2.3', '10.0.0.1'])
      expect(isLiterallyPrivate(host), host).toBe(true);
    for (const host of ['example.com', '8.8.8.8', 'localhost.example.com'])
      expect(isLiterallyPrivate(host), host).toBe(false);
  });

  it('fault 50: an address spelt oddly is the address that it is', async () => {
    for (const url of ['http://2130706433/', 'http://0x7f.1/', 'http://[::ffff:7f00:1]/', 'http://127.1/'])
      expect(isLiterallyPrivate(new URL(url).hostname), url).toBe(true);
  });

  it('fault 50: a redirect to another host, another port or a private address is refused, and nobody is asked', async () => {
    const other = await scriptedHttp();
    other.script('*', [ONE]);
    try {
      for (const to of [
        'http://169.254.169.254/latest/meta-data',
        other.url,
        'http://localhost:1/',
        'file:///etc/passwd',
        'gopher://a/',
      ]) {
        server.script('GET /a', [redirect(to)]);
        const { error } = await pull({ url: `${server.url}/a` });
        expect(error?.code, to).toBe('E_OUTBOUND');
        expect(server.requests).toHaveLength(1);
        (server.requests as unknown[]).length = 0;
      }
      expect(other.requests).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('fault 50: a next link to another host is refused', async () => {
    server.script('GET /a', [json([{ id: 1 }], { headers: { link: '<http://169.254.169.254/x>; rel=next' } })]);
    const { error, records } = await pull({ url: `${server.url}/a`, pages: { style: 'link' } });
    expect(error?.code).toBe('E_OUTBOUND');
    expect(records).toHaveLength(1);
  });

  it('fault 50: a name that resolves to a private address is refused when the connection is made, unless it is meant', async () => {
    // The machine's own name, or any other that the hosts file has for loopback.
    const { lookup } = await import('node:dns/promises');
    const { hostname } = await import('node:os');
    const found = await lookup(hostname()).catch(() => undefined);
    if (found === undefined || isPublicAddress(found.address)) return;
    const url = `http://${hostname()}:${new URL(server.url).port}/a`;
    const { error } = await pull({ url });
    expect(error?.code).toBe('E_OUTBOUND');
    expect(error?.message).toContain('is a private address');
    expect(server.requests).toHaveLength(0);
    server.script('GET /a', [ONE]);
    const meant = await pull({ url, allow_private: true });
    expect(meant.error?.code ?? 'fine').not.toBe('E_OUTBOUND');
  });

  it('credentials and own headers do not go to an allowed other host', async () => {
    const other = await scriptedHttp();
    other.script('*', [ONE]);
    try {
      server.script('GET /a', [redirect(`${other.url}/b`)]);
      const { error, records } = await pull({
        url: `${server.url}/a`,
        headers: { 'X-Own': SECRET, 'Accept-Language': 'fr' },
        auth: { type: 'bearer', token: SECRET },
        allow_hosts: ['127.0.0.1'],
      });
      expect(error).toBeUndefined();
      expect(records).toHaveLength(1);
      expect(server.requests[0]?.headers['x-own']).toBe(SECRET);
      expect(JSON.stringify(other.requests)).not.toContain(SECRET);
      expect(other.requests[0]?.headers['accept-language']).toBe('fr');
    } finally {
      await other.close();
    }
  });
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Got, type Served, serveProject } from './served-project.ts';

/** Tokens that another system signs: its keys come from a real server, each token is made by the library as such systems make them. */
type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
const OPEN = '/api/v1/tables/gold/open';
const CLOSED = '/api/v1/tables/gold/closed';

let issuer: Server;
/** What the issuer answers; it changes while tests go on. */
let answer: () => { readonly status: number; readonly body: string };
let asked = 0;
let rsa: Keys;
let stranger: Keys;
let served: Served;

const now = (): number => Math.floor(Date.now() / 1000);

interface Said {
  readonly claims?: JWTPayload;
  readonly audience?: string;
  readonly issuer?: string;
  readonly expires?: number | null;
  readonly keys?: Keys;
  readonly kid?: string;
}

function token({ claims = { tables: ['gold.open'] }, keys = rsa, kid = 'k1', ...said }: Said = {}): Promise<string> {
  const jwt = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).setSubject('anna');
  jwt.setIssuer(said.issuer ?? 'https://issuer.example').setAudience(said.audience ?? 'dataflow');
  if (said.expires !== null) jwt.setExpirationTime(said.expires ?? now() + 300);
  return jwt.sign(keys.privateKey);
}

const get = (url: string, bearer: string): Promise<Got> => served.get(url, { authorization: `Bearer ${bearer}` });

async function keySet(keys: Keys, kid = 'k1'): Promise<string> {
  return JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid, use: 'sig', alg: 'RS256' }] });
}

beforeAll(async () => {
  [rsa, stranger] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
  const body = await keySet(rsa);
  answer = () => ({ status: 200, body });
  issuer = createServer((_, reply) => {
    asked += 1;
    const { status, body: text } = answer();
    reply.writeHead(status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((done) => void issuer.listen(0, '127.0.0.1', done));
  const { port } = issuer.address() as AddressInfo;
  served = await serveProject(
    `sources: { a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } } }
gold:
  open: { sql: select id from bronze.a, key: id }
  closed: { sql: select id from bronze.a, key: id }
serve:
  hosts: [data.example]
  jwt: { issuer: "https://issuer.example", audience: dataflow, jwks_url: "http://127.0.0.1:${port}/keys" }
`,
    { 'in/a.csv': 'id\n1\n' },
    '0.0.0.0',
  );
});
afterAll(async () => {
  await served.close();
  issuer.close();
});

describe('signed tokens', () => {
  it('that cannot be checked, since the keys cannot be had, are not called wrong', async () => {
    const good = answer;
    for (const bad of ['{', '[]', '{"keys":1}'].map((body) => ({ status: 200, body }))) {
      answer = () => bad;
      expect(await get(OPEN, await token())).toMatchObject({ status: 503, body: { code: 'E_SERVE_KEYS' } });
    }
    answer = () => ({ status: 500, body: 'secret words of the issuer' });
    const { status, text } = await get(OPEN, await token());
    expect([status, /secret|127\.0\.0\.1/.test(text)]).toEqual([503, false]);
    answer = good;
    expect((await get(OPEN, await token())).status).toBe(200);
  });

  it('open the tables that their claim lists, as a list or as a text; none without it', async () => {
    for (const tables of [['gold.open'], 'gold.open other.thing']) {
      const bearer = await token({ claims: { tables } });
      expect((await get(OPEN, bearer)).body.data).toEqual([{ id: 1 }]);
      expect(await get(CLOSED, bearer)).toMatchObject({ status: 403, body: { code: 'E_SERVE_SCOPE' } });
    }
    expect((await get(CLOSED, await token({ claims: { tables: ['gold.*'] } }))).status).toBe(200);
    for (const claims of [{}, { tables: null }, { tables: { gold: 1 } }, { tables: '' }] as JWTPayload[])
      expect((await get(OPEN, await token({ claims }))).status).toBe(403);
  });

  it('show each its own part of the API, whatever name they share', async () => {
    const paths = async (tables: string): Promise<readonly string[]> =>
      Object.keys((await get('/openapi.json', await token({ claims: { tables } }))).body.paths);
    expect(await paths('gold.*')).toContain(CLOSED);
    expect(await paths('gold.open')).not.toContain(CLOSED);
    expect(await paths('gold.*')).toContain(CLOSED);
  });

  it('are refused when they are for others, from others, over, not yet, or never over', async () => {
    const wrong = [
      await token({ audience: 'another' }),
      await token({ issuer: 'https://issuer.example.evil' }),
      await token({ expires: now() - 1 }),
      await token({ expires: null }),
      await token({ claims: { tables: ['gold.open'], nbf: now() + 300 } }),
      await token({ keys: stranger }),
      await token({ keys: stranger, kid: 'k2' }),
    ];
    for (const bearer of wrong)
      expect(await get(OPEN, bearer)).toMatchObject({ status: 401, body: { code: 'E_SERVE_TOKEN' } });
  });

  it('are refused when they were changed, are not signed, or signed with the public key as a secret', async () => {
    const [head = '', , sign = ''] = (await token()).split('.');
    const more = { iss: 'https://issuer.example', aud: 'dataflow', exp: now() + 300, tables: ['*'] };
    const changed = [head, Buffer.from(JSON.stringify(more)).toString('base64url'), sign].join('.');
    const secret = new TextEncoder().encode(await exportSPKI(rsa.publicKey));
    const symmetric = await new SignJWT(more).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(secret);
    for (const bearer of [changed, new UnsecuredJWT(more).encode(), symmetric, 'a.b.c', '..', `${head}.${sign}.`])
      expect((await get(OPEN, bearer)).status).toBe(401);
  });

  it('never stand in the log, and the keys are asked for once, not for each request', async () => {
    const before = asked;
    const bearer = await token();
    for (let at = 0; at < 20; at += 1) await get(OPEN, bearer);
    expect(asked).toBe(before);
    expect(JSON.stringify(served.log)).not.toContain(bearer.split('.')[2]);
  });
});

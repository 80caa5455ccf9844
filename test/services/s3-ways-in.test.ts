import { randomBytes } from 'node:crypto';
import dns from 'node:dns';
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { component } from '../../src/connectors/s3/storage.ts';
import type { FarStorage } from '../../src/core/ports/far-storage.ts';
import { bucketPlace } from './bucket-place.ts';
import { describeService } from './service.ts';

const signal = new AbortController().signal;

describeService('minio', ({ url }) => {
  const { host, port, username, password } = new URL(url);
  let place: Awaited<ReturnType<typeof bucketPlace>> | undefined;
  beforeAll(async () => {
    place = await bucketPlace(url);
  });
  afterAll(() => place?.clear());

  const open = (options: Readonly<Record<string, unknown>>): FarStorage =>
    component.open({
      connection: {
        name: 'far',
        type: 's3',
        options: {
          ...{ endpoint: `http://${host}`, bucket: place?.bucket, region: 'us-east-1', path_style: true },
          ...{ access_key: username, secret_key: password, connect_timeout_s: 5, request_timeout_s: 20 },
          ...options,
        },
      },
      ...{ path: 'lake', root: '/', note: () => undefined },
    }) as FarStorage;

  /** Everything that is asked of a bucket. */
  async function worksWith(far: FarStorage): Promise<void> {
    const bytes = randomBytes(17 * 1024 * 1024);
    const name = `a b/${randomBytes(4).toString('hex')}+ü`;
    for (const [path, content] of [
      [`${name}/small`, Buffer.from('x')],
      [`${name}/large`, bytes],
    ] as const)
      expect(await far.put({ path, content: { bytes: content }, over: 'nothing', signal })).toMatchObject({
        done: true,
      });
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await far.read({ path: `${name}/large`, signal }))?.chunks ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    const listed: string[] = [];
    for await (const page of far.list({ prefix: name, signal })) listed.push(...page.map(({ path }) => path));
    expect(listed.sort()).toEqual([`${name}/large`, `${name}/small`]);
    await far.remove(listed, signal);
    expect(await far.info(`${name}/small`, signal)).toBeUndefined();
    expect((await far.probe(signal)).words).toContain('reachable');
    await far.close();
  }

  it('temporary credentials let us in with their token, and only with it', async () => {
    const sts = new AssumeRoleProvider({ stsEndpoint: `http://${host}`, accessKey: username, secretKey: password });
    const { accessKey, secretKey, sessionToken } = await sts.getCredentials();
    const login = { access_key: accessKey, secret_key: secretKey };
    await worksWith(open({ ...login, session_token: sessionToken }));
    const without = open(login);
    await expect(without.probe(signal)).rejects.toMatchObject({ code: 'E_FAR_DENIED' });
    await without.close();
  });

  it('the bucket may stand in the name of the host', async () => {
    const { lookup } = dns;
    const here = vi
      .spyOn(dns, 'lookup')
      .mockImplementation(((name: string, ...more: [never]) =>
        lookup(name.endsWith('.minio.test') ? '127.0.0.1' : name, ...more)) as typeof dns.lookup);
    try {
      await worksWith(open({ endpoint: `http://minio.test:${port}`, path_style: false }));
      expect(here).toHaveBeenCalledWith(`${place?.bucket}.minio.test`, expect.anything(), expect.anything());
    } finally {
      here.mockRestore();
    }
  });
});

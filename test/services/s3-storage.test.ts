import { randomBytes } from 'node:crypto';
import { Client } from 'minio';
import { expect, it } from 'vitest';
import { component } from '../../src/connectors/s3/storage.ts';
import { storageContract } from '../../src/connectors/testing/storage-contract.ts';
import type { FarStorage } from '../../src/core/ports/far-storage.ts';
import { describeService, uniqueName } from './service.ts';

describeService('minio', ({ url }) => {
  /** A bucket of its own. */
  const newBucket = async () => {
    const { hostname, port, host, username, password } = new URL(url);
    const bucket = uniqueName('far').replace('_', '-');
    const client = new Client({
      ...{ endPoint: hostname, port: Number(port), useSSL: false },
      ...{ accessKey: username, secretKey: password },
    });
    await client.makeBucket(bucket);
    const open = (path: string, more: Readonly<Record<string, unknown>> = {}): FarStorage =>
      component.open({
        connection: {
          name: 'far',
          type: 's3',
          options: {
            ...{ endpoint: `http://${host}`, bucket, region: 'us-east-1', path_style: true },
            ...{ access_key: username, secret_key: password, connect_timeout_s: 5, request_timeout_s: 20 },
            ...more,
          },
        },
        ...{ path, root: '/', note: () => undefined },
      }) as FarStorage;
    const close = async (): Promise<void> => {
      const names: string[] = [];
      for await (const { name } of client.listObjectsV2(bucket, '', true) as AsyncIterable<{ name: string }>)
        names.push(name);
      await client.removeObjects(bucket, names);
      await client.removeBucket(bucket);
    };
    return { client, bucket, open, password, close };
  };

  storageContract('S3', async () => {
    const { client, bucket, open, password, close } = await newBucket();
    return {
      open: (folder) => open(folder),
      large_bytes: 40 * 1024 * 1024,
      page_entries: 1000,
      emptyFolder: async (folder, path) => {
        const key = `${folder}/${path}/`;
        await client.putObject(bucket, key, Buffer.of());
        return () =>
          client.statObject(bucket, key).then(
            () => true,
            () => false,
          );
      },
      denied: () => open('x', { secret_key: 'not-the-secret' }),
      unreachable: () => open('x', { endpoint: 'http://127.0.0.1:1' }),
      secrets: [password, 'not-the-secret'],
      halfWritten: async (folder, path) => {
        const key = `${folder}/${path}`;
        const id = await client.initiateNewMultipartUpload(bucket, key, {});
        await client.uploadPart(
          { bucketName: bucket, objectName: key, uploadID: id, partNumber: 1, headers: {} },
          Buffer.alloc(5 * 1024 * 1024),
        );
      },
      close,
    };
  });

  it('a rename that ended between copy and removal is ended by the next one; other bytes of the same size are kept', async () => {
    const { open, close } = await newBucket();
    try {
      const far = open('renamed');
      const { signal } = new AbortController();
      const put = (path: string, bytes: Buffer) => far.put({ path, content: { bytes }, over: 'nothing', signal });
      const bytes = randomBytes(1000);
      await put('old', bytes);
      await put('new', bytes);
      await put('other', randomBytes(1000));
      await put('none', Buffer.of());
      await put('nothing', Buffer.of());
      expect(await far.rename({ from: 'other', to: 'new', signal })).toBe(false);
      expect((await far.info('other', signal))?.size_bytes).toBe(1000);
      for (const [from, to] of [['old', 'new'] as const, ['none', 'nothing'] as const]) {
        expect(await far.rename({ from, to, signal }), from).toBe(true);
        expect(await far.info(from, signal)).toBeUndefined();
        expect(await far.rename({ from, to, signal })).toBe(true);
      }
      expect((await far.info('new', signal))?.size_bytes).toBe(1000);
    } finally {
      await close();
    }
  });
});

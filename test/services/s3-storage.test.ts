import { Client } from 'minio';
import { component } from '../../src/connectors/s3/storage.ts';
import { storageContract } from '../../src/connectors/testing/storage-contract.ts';
import type { FarStorage } from '../../src/core/ports/far-storage.ts';
import { describeService, uniqueName } from './service.ts';

describeService('minio', ({ url }) => {
  storageContract('S3', async () => {
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
      close: async () => {
        const names: string[] = [];
        for await (const { name } of client.listObjectsV2(bucket, '', true) as AsyncIterable<{ name: string }>)
          names.push(name);
        await client.removeObjects(bucket, names);
        await client.removeBucket(bucket);
      },
    };
  });
});

import { Client } from 'minio';
import { expect, it } from 'vitest';
import { describeService, uniqueName } from './service.ts';

describeService('minio', ({ url }) => {
  it('puts an object only where none is, and gives it back', async () => {
    const { hostname, port, username, password } = new URL(url);
    const client = new Client({
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      accessKey: username,
      secretKey: password,
    });
    const bucket = uniqueName('lake').replace('_', '-');
    await client.makeBucket(bucket);
    const put = (text: string) => client.putObject(bucket, 'log/0.json', text, text.length, { 'if-none-match': '*' });
    await put('one');
    await expect(put('two')).rejects.toMatchObject({ code: 'PreconditionFailed' });
    const chunks: Buffer[] = [];
    for await (const chunk of await client.getObject(bucket, 'log/0.json')) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('one');
  });
});

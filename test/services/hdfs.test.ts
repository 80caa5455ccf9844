import { request } from 'node:http';
import { expect, it } from 'vitest';
import { describeService, uniqueName } from './service.ts';

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

// Not by fetch: a DataNode says "100 Continue" unasked, which undici takes for a broken answer.
function ask(method: string, url: string, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, location: headers.location, text: Buffer.concat(chunks).toString() });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

describeService('hdfs', ({ url }) => {
  const at = (path: string, operation: string): string => `${url}/webhdfs/v1${path}?user.name=hdfs&op=${operation}`;

  it('creates a file once and gives it back', async () => {
    const path = `/${uniqueName('orders')}.txt`;
    const create = async (body: string): Promise<Answer> => {
      const { status, location = '' } = await ask('PUT', at(path, 'CREATE&overwrite=false'));
      expect(status).toBe(307);
      return ask('PUT', location, body);
    };
    expect((await create('one')).status).toBe(201);
    expect((await create('two')).text).toContain('FileAlreadyExistsException');
    const { location = '' } = await ask('GET', at(path, 'OPEN'));
    expect((await ask('GET', location)).text).toBe('one');
  });
});

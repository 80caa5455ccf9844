import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { FarFile, FarStorage, PutOutcome } from '../../core/ports/far-storage.ts';
import { component } from './storage.ts';

const signal = new AbortController().signal;
const ERROR = (code: string): string =>
  `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`;
const LISTED = (keys: string, more = ''): string => `<ListBucketResult>${keys}${more}</ListBucketResult>`;

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
type Answer = { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly text?: string };

const closed: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closed.splice(0)) await close();
});

/** A service that says what no real one can be made to say. */
async function serviceThat(
  answer: (asked: Asked, nth: number) => Answer,
): Promise<{ far: FarStorage; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://x');
      const one = { method: request.method ?? '', url, headers: request.headers, body: Buffer.concat(chunks) };
      asked.push(one);
      const { status = 200, headers = {}, text = '' } = answer(one, asked.length);
      response.writeHead(status, headers).end(one.method === 'HEAD' ? undefined : text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const options = {
    ...{ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bucket: 'b1b', region: 'r' },
    ...{ path_style: true, access_key: 'key', secret_key: 'secret', connect_timeout_s: 5, request_timeout_s: 5 },
  };
  const connection = { name: 'far', type: 's3', options };
  const far = await component.open({ connection, path: '', root: '/', note: () => undefined });
  closed.push(
    () => far.close(),
    () => new Promise((resolve) => server.close(resolve)),
  );
  return { far, asked };
}

async function listed(far: FarStorage): Promise<readonly FarFile[]> {
  const found: FarFile[] = [];
  for await (const page of far.list({ prefix: '', signal })) found.push(...page);
  return found;
}

describe('a listing is whole, or it is none', () => {
  it.each([
    ['what is no listing', '<html><body>Sign in</body></html>', 'instead of <ListBucketResult>'],
    [
      'a page that another one should follow, and does not say which',
      LISTED('', '<IsTruncated>true</IsTruncated>'),
      'Token',
    ],
    [
      'pages that go in a circle',
      LISTED('', '<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>'),
      'Token',
    ],
  ])('%s is refused', async (_, text, words) => {
    const { far } = await serviceThat(() => ({ text }));
    const refused = expect.objectContaining({ code: 'E_FAR_REFUSED', message: expect.stringContaining(words) });
    await expect(listed(far)).rejects.toEqual(refused);
  });

  it('an error in an answer of 200 is asked again', async () => {
    const object = '<Contents><Key>x</Key><Size>1</Size><ETag>"m"</ETag></Contents>';
    const { far, asked } = await serviceThat((_, nth) => ({
      text: nth === 1 ? ERROR('InternalError') : LISTED(object),
    }));
    expect((await listed(far)).map(({ path, mark }) => [path, mark])).toEqual([['x', 'm']]);
    expect(asked).toHaveLength(2);
  });

  it('nobody is led to another host', async () => {
    const other = await serviceThat(() => ({ text: LISTED('') }));
    const { far } = await serviceThat(() => ({ status: 307, headers: { location: `${other.far.name}/` } }));
    await expect(listed(far)).rejects.toMatchObject({ code: 'E_FAR_REFUSED' });
    expect(other.asked).toEqual([]);
  });
});

describe('files that are not removed', () => {
  const failed = (code: string): string =>
    `<DeleteResult><Error><Key>a</Key><Code>${code}</Code><Message>no</Message></Error></DeleteResult>`;

  it('are tried again where that may help', async () => {
    const { far, asked } = await serviceThat((_, nth) => ({
      text: nth === 1 ? failed('SlowDown') : '<DeleteResult/>',
    }));
    await far.remove(['a'], signal);
    expect(asked).toHaveLength(2);
  });

  it('are told with the right that is missing', async () => {
    const { far } = await serviceThat(() => ({ text: failed('AccessDenied') }));
    const words = expect.stringMatching(/a is not removed: .*s3:DeleteObject/);
    await expect(far.remove(['a'], signal)).rejects.toMatchObject({ code: 'E_FAR_DENIED', message: words });
  });
});

it('keys that are refused are told as such, not as a right that is missing', async () => {
  const { far } = await serviceThat(() => ({ status: 403, text: ERROR('SignatureDoesNotMatch') }));
  await expect(far.probe(signal)).rejects.toMatchObject({
    code: 'E_FAR_DENIED',
    message: expect.not.stringContaining('s3:ListBucket'),
    hint: expect.stringContaining('secret_key'),
  });
});

it('a file that is there after an answer that says nothing about it is known as ours', async () => {
  const bytes = Buffer.from('content');
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
  const { far } = await serviceThat(({ method }, nth) => {
    if (method === 'HEAD') return { headers: { etag, 'content-length': '7' } };
    return nth === 1 ? { status: 504 } : { status: 412, text: ERROR('PreconditionFailed') };
  });
  const put = await far.put({ path: 'x', content: { bytes }, over: 'nothing', signal });
  expect(put).toMatchObject({ done: true });
});

describe('parts of a large file', () => {
  const bytes = randomBytes(17 * 1024 * 1024);
  const SHA256 = /^[0-9a-f]{64}$/;

  /** A service that takes files in parts, as it is told. */
  async function upload(how: {
    readonly begins: Answer;
    readonly part?: (asked: Asked) => Answer | undefined;
  }): Promise<{
    readonly outcome: PutOutcome;
    readonly parts: readonly Asked[];
    readonly completed: string;
  }> {
    let whole = false;
    const { far, asked } = await serviceThat((one) => {
      const { method, url, headers } = one;
      if (method === 'HEAD') return whole ? { headers: { etag: '"w-2"', 'content-length': '1' } } : { status: 404 };
      if (method === 'GET') return { text: '<ListMultipartUploadsResult/>' };
      if (method === 'PUT') return how.part?.(one) ?? { headers: { etag: `"${url.searchParams.get('partNumber')}"` } };
      if (url.searchParams.has('uploadId')) {
        whole = true;
        return { text: '<CompleteMultipartUploadResult><ETag>"w-2"</ETag></CompleteMultipartUploadResult>' };
      }
      if (headers['x-amz-checksum-algorithm'] === undefined || how.begins.status === undefined)
        return {
          ...how.begins,
          status: 200,
          text: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
        };
      return how.begins;
    });
    const outcome = await far.put({ path: 'x', content: { bytes }, over: 'nothing', signal });
    const parts = asked.filter(({ method }) => method === 'PUT');
    return { outcome, parts, completed: asked.findLast(({ method }) => method === 'POST')?.body.toString() ?? '' };
  }

  it('go with a checksum and unsigned where the service checks by it', async () => {
    const { outcome, parts, completed } = await upload({
      begins: { headers: { 'x-amz-checksum-algorithm': 'CRC32' } },
    });
    expect(outcome).toMatchObject({ done: true });
    for (const { headers, body } of parts) {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(body));
      expect(headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD');
      expect(headers['x-amz-checksum-crc32']).toBe(sum.toString('base64'));
      expect(headers.authorization).toContain('x-amz-checksum-crc32');
      expect(completed).toContain(`<ChecksumCRC32>${sum.toString('base64')}</ChecksumCRC32>`);
    }
    expect(Buffer.concat(parts.map(({ body }) => body)).length).toBe(bytes.length);
  });

  it.each([
    ['does not know checksums', {}],
    ['refuses them', { status: 501, text: ERROR('NotImplemented') }],
  ])('are signed with their hash where the service %s', async (_, begins) => {
    const { outcome, parts, completed } = await upload({ begins });
    expect(outcome).toMatchObject({ done: true });
    for (const { headers, body } of parts) {
      expect(headers['x-amz-content-sha256']).toBe(createHash('sha256').update(body).digest('hex'));
      expect(headers['x-amz-checksum-crc32']).toBeUndefined();
    }
    expect(completed).not.toContain('Checksum');
  });

  it('are signed as well where the service wants that', async () => {
    const { outcome, parts } = await upload({
      begins: { headers: { 'x-amz-checksum-algorithm': 'CRC32' } },
      part: ({ headers }) =>
        SHA256.test(String(headers['x-amz-content-sha256'])) ? undefined : { status: 403, text: ERROR('AccessDenied') },
    });
    expect(outcome).toMatchObject({ done: true });
    expect(parts.length).toBeGreaterThan(2);
  });
});

import type { IncomingMessage } from 'node:http';
import type { Client } from 'minio';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { S3ConnectionOptions } from './connection.ts';

/** A bucket that is asked by signed requests; the library is loaded with the first one. */
export class S3Bucket {
  readonly #options: S3ConnectionOptions;
  #client: Promise<Client> | undefined;

  constructor(options: S3ConnectionOptions) {
    this.#options = options;
  }

  get name(): string {
    return `${this.#options.endpoint.replace(/\/$/, '')}/${this.#options.bucket}`;
  }

  get bucket(): string {
    return this.#options.bucket;
  }

  client(): Promise<Client> {
    this.#client ??= open(this.#options);
    return this.#client;
  }

  /** The answer as a stream, its head checked. @throws DataflowError E_SOURCE_DENIED, E_SOURCE_QUERY, E_SOURCE_UNREACHABLE; S3Refusal */
  async get(key: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    const { bucket, region } = this.#options;
    const request = { method: 'GET', bucketName: bucket, objectName: key, headers: { ...headers } };
    return await this.asked(async () => (await this.client()).makeRequestAsync(request, '', [200, 206], region));
  }

  /** What the service refuses becomes an error of ours. */
  async asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.fault(error);
    }
  }

  fault(error: unknown): unknown {
    if (error instanceof DataflowError || !(error instanceof Error)) return error;
    const code = 'code' in error ? String(error.code) : '';
    const words = `${this.name}: ${code === '' || error.message.includes(code) ? '' : `${code}: `}${error.message}`;
    if (DENIED.has(code)) return new DataflowError('E_SOURCE_DENIED', words, { cause: error });
    if (code === 'NoSuchBucket') return new DataflowError('E_SOURCE_QUERY', words, { cause: error });
    if (GONE.has(code)) return new S3Refusal(words);
    return new DataflowError('E_SOURCE_UNREACHABLE', words, { cause: error });
  }
}

/** The object is not there any more, or is another one. */
export class S3Refusal extends Error {}

const DENIED = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'RequestTimeTooSkewed',
]);
const GONE = new Set(['NoSuchKey', 'NotFound', 'PreconditionFailed', 'InvalidRange']);

async function open(options: S3ConnectionOptions): Promise<Client> {
  const { Client } = await import('minio');
  const { protocol, hostname, port } = new URL(options.endpoint);
  return new Client({
    endPoint: hostname,
    useSSL: protocol === 'https:',
    region: options.region,
    pathStyle: options.path_style,
    ...(port === '' ? {} : { port: Number(port) }),
    ...(options.access_key === undefined ? {} : { accessKey: options.access_key }),
    ...(options.secret_key === undefined ? {} : { secretKey: options.secret_key }),
    ...(options.session_token === undefined ? {} : { sessionToken: options.session_token }),
  });
}

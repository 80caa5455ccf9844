import { createHash, createHmac } from 'node:crypto';

/** Stands for the hash of a body that is not part of the signature. */
export const UNSIGNED = 'UNSIGNED-PAYLOAD';

export interface Signable {
  readonly method: string;
  /** Encoded as it is sent, with its query sorted. */
  readonly path: string;
  /** Lower-case names; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body, in hex; or {@link UNSIGNED}. */
  readonly body_sha256: string;
}

/** AWS Signature Version 4 for one region of one service: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
export class Signature4 {
  readonly #access_key: string;
  readonly #secret_key: string;
  readonly #region: string;
  #day = '';
  #key: Buffer = Buffer.alloc(0);

  constructor(access_key: string, secret_key: string, region: string) {
    this.#access_key = access_key;
    this.#secret_key = secret_key;
    this.#region = region;
  }

  /** The `authorization` header. @param time as `x-amz-date` has it: `20251121T193000Z` */
  sign({ method, path, headers, body_sha256 }: Signable, time: string): string {
    const day = time.slice(0, 8);
    const names = Object.keys(headers).sort();
    const [resource = '', query = ''] = path.split('?');
    const canonical = [
      ...[method, resource, query],
      ...names.map((name) => `${name}:${headers[name]?.trim().replace(/ +/g, ' ')}`),
      ...['', names.join(';'), body_sha256],
    ].join('\n');
    const scope = `${day}/${this.#region}/s3/aws4_request`;
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
    const signature = createHmac('sha256', this.#keyOf(day)).update(text).digest('hex');
    return `AWS4-HMAC-SHA256 Credential=${this.#access_key}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  }

  /** The same all day long. */
  #keyOf(day: string): Buffer {
    if (day === this.#day) return this.#key;
    const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
    this.#key = [this.#region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${this.#secret_key}`, day));
    this.#day = day;
    return this.#key;
  }
}

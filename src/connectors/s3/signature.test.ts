import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Signature4 } from './signature.ts';

const NOTHING = createHash('sha256').update('').digest('hex');

/** The examples of the S3 documentation: "Signature Calculations for the Authorization Header". */
describe('Signature4', () => {
  const signature = new Signature4('AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'us-east-1');
  const base = {
    host: 'examplebucket.s3.amazonaws.com',
    'x-amz-content-sha256': NOTHING,
    'x-amz-date': '20130524T000000Z',
  };
  const signed = (path: string, headers: Readonly<Record<string, string>>): string | undefined =>
    /Signature=(.*)$/.exec(
      signature.sign({ method: 'GET', path, headers, body_sha256: NOTHING }, '20130524T000000Z'),
    )?.[1];

  it('signs as the documentation says', () => {
    expect(signed('/test.txt', { ...base, range: 'bytes=0-9' })).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
    expect(signed('/?lifecycle=', base)).toBe('fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543');
    expect(signed('/?max-keys=2&prefix=J', base)).toBe(
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  });
});

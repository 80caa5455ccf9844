import { describe, expect, it } from 'vitest';
import { fingerprintOf, isStatedKey, lookUpKey } from './host-keys.ts';

/** Made by ssh-keygen: a key, its fingerprint (-lf), and its line of a file of known hosts with a hashed name (-H). */
const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIJJd7CNLf7ZPBPjlN8T4yjPPpKy4N2DpHHQNthha77mK';
const OTHER = 'AAAAC3NzaC1lZDI1NTE5AAAAIE30Eg2kXhigkErTL4sGiZXIl/b9HzXGgBxVGOaAU7ja';
const FINGERPRINT = 'SHA256:sv2AAqw9mnlRrjUk+4PHhTnGQRJz8VNjeUub1k/58d8';
const HASHED = `|1|XmAc8iDicGKxz8sNfSvu+fl+4CI=|Z2aDf+3yhETXXyq5gaT372rOGZY= ssh-ed25519 ${KEY}`;
const key = Buffer.from(KEY, 'base64');
const other = Buffer.from(OTHER, 'base64');

describe('keys of servers', () => {
  it.each([FINGERPRINT, `${FINGERPRINT}=`, KEY, `ssh-ed25519 ${KEY}`])('are known when stated as %s', (stated) => {
    expect(fingerprintOf(key)).toBe(FINGERPRINT);
    expect(isStatedKey(stated, key)).toBe(true);
    expect(isStatedKey(stated, other)).toBe(false);
  });

  it.each([
    ['a hashed name with a port', HASHED, 'files.example.org', 2222, 'known'],
    ['another port', HASHED, 'files.example.org', 22, 'unknown'],
    ['another host', HASHED, 'files.example.com', 2222, 'unknown'],
    ['a plain name among several', `a.org,files.example.org ssh-ed25519 ${KEY}`, 'files.example.org', 22, 'known'],
    ['a pattern', `*.example.org ssh-ed25519 ${KEY}`, 'files.example.org', 22, 'known'],
    ['a pattern that leaves it out', `*.example.org,!files.* ssh-ed25519 ${KEY}`, 'files.example.org', 22, 'unknown'],
    ['a dot that is a dot', `files.example.org ssh-ed25519 ${KEY}`, 'filesxexample.org', 22, 'unknown'],
    ['another key', `files.example.org ssh-ed25519 ${OTHER}`, 'files.example.org', 22, 'other'],
    [
      'one of two keys',
      `files.example.org ssh-rsa ${OTHER}\nfiles.example.org ssh-ed25519 ${KEY}`,
      'files.example.org',
      22,
      'known',
    ],
    [
      'a revoked key',
      `files.example.org ssh-ed25519 ${KEY}\n@revoked * ssh-ed25519 ${KEY}`,
      'files.example.org',
      22,
      'revoked',
    ],
    ['an authority, which is no key of a server', `@cert-authority * ssh-ed25519 ${KEY}`, 'a.org', 22, 'unknown'],
    ['comments and nothing', `# ssh-ed25519 ${KEY}\n\n`, 'files.example.org', 22, 'unknown'],
  ])('are looked up by %s', (_name, text, host, port, expected) => {
    expect(lookUpKey(text, host, port, key)).toBe(expected);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MASK, redactor, urlPassword } from './redact.ts';

describe('fault 50: redactor', () => {
  it.each([
    ['password is hunter2!', 'password is ***'],
    ['postgres://bob:hunter2!@db:5432/x', 'postgres://***@db:5432/x'],
    [
      'mongodb://u:p%40ss@h1,h2/db and https://token@api.example/x',
      'mongodb://***@h1,h2/db and https://***@api.example/x',
    ],
    ['sc://spark:1/;use_ssl=true;token=abc;user_id=x', 'sc://spark:1/;use_ssl=true;token=***;user_id=x'],
    ['https://example.com/a@b stays', 'https://example.com/a@b stays'],
    ['encoded hunter2%21x', 'encoded hunter2%21x'],
    [`Basic ${Buffer.from('hunter2!').toString('base64')}`, 'Basic ***'],
    ['{"k":"line \\"quoted\\""}', '{"k":"***"}'],
  ])('%s', (text, expected) => {
    expect(redactor(['hunter2!', 'line "quoted"'])(text)).toBe(expected);
  });

  it('masks percent-encoded secrets', () => {
    expect(redactor(['p@ss word'])('?p=p%40ss%20word&x=1')).toBe(`?p=${MASK}&x=1`);
  });

  it('masks each long line of a multi-line secret', () => {
    expect(redactor(['-----BEGIN KEY-----\nAAAABBBBCCCC\n'])('saw AAAABBBBCCCC')).toBe('saw ***');
  });

  it('leaves no secret behind, whatever surrounds it', () => {
    const secret = fc.string({ minLength: 4, maxLength: 20 }).filter((s) => !MASK.includes(s) && !/[*]/.test(s));
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.string(),
        fc.string(),
        (secrets, before, after) => {
          const redact = redactor(secrets);
          for (const value of secrets) expect(redact(before + value + after)).toContain(MASK);
        },
      ),
    );
  });

  it('finds the password of a URL', () => {
    expect(urlPassword('postgres://bob:p%40ss@db/x')).toBe('p@ss');
    expect(urlPassword('https://sk_live_51Habcdefg@db/x')).toBe('sk_live_51Habcdefg');
    expect(urlPassword('https://abcdefghijklmnopqrstuvwxyzabcdef@db/x')).toBe('abcdefghijklmnopqrstuvwxyzabcdef');
    // A name is a word like any other; in the URL itself it is masked all the same.
    expect(urlPassword('postgres://reader@db/x')).toBeUndefined();
    expect(redactor([])('postgres://reader@db/x')).toBe('postgres://***@db/x');
    expect(urlPassword('https://db/x@y')).toBeUndefined();
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConnectUrl, UrlProblem } from './connect-url.ts';

describe('a connection string', () => {
  it('gives place, sign-in and headers', () => {
    const url = 'sc://spark.example.org:443/;use_ssl=true;token=a%3Bb;user_id=Ana%20B;user_agent=nightly;x-cluster=7';
    expect(parseConnectUrl(url)).toEqual({
      host: 'spark.example.org',
      port: 443,
      place: 'spark.example.org:443',
      use_ssl: true,
      token: 'a;b',
      user_id: 'Ana B',
      user_agent: 'nightly',
      headers: { 'x-cluster': '7' },
    });
  });

  it.each([
    ['sc://spark', 'spark:15002'],
    ['sc://spark/', 'spark:15002'],
    ['sc://[::1]:7/;token=x', '[::1]:7'],
    ['sc://127.0.0.1/;token=a=b', '127.0.0.1:15002'],
  ])('%s is %s', (url, place) => {
    expect(parseConnectUrl(url).place).toBe(place);
  });

  it.each([
    ['http://spark', /expected sc:/],
    ['sc://', /expected sc:/],
    ['sc://spark:0', /port/],
    ['sc://spark:99999', /port/],
    ['sc://ana@spark', /host:port/],
    ['sc://a:1:2', /host:port/],
    ['sc://spark/x;token=secret', /no path/],
    ['sc://spark;use_ssl=true', /"\/" is missing/],
    ['sc://spark/;use_ssl', /name=value/],
    ['sc://spark/;use_ssl=yes', /true or false/],
    ['sc://spark/;use_ssl=true;use_ssl=true', /twice/],
    ['sc://spark/;token=%', /no code/],
    ['sc://spark/;use_ssl=true;token=a%0Ab', /one word/],
    ['sc://spark/;token=secret', /use_ssl=true/],
    ['sc://127.0.0.1.example.org/;token=secret', /use_ssl=true/],
    ['sc://spark/;a b=c', /no name/],
  ])('%s is refused', (url, why) => {
    expect(() => parseConnectUrl(url)).toThrow(why);
  });

  it('whatever it is: is read, or refused in words that hold nothing of its token', () => {
    const part = fc.oneof(fc.constantFrom(';', '=', '/', ':', 'sc://', 'token=', '%', 'use_ssl=true'), fc.string());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        try {
          parseConnectUrl(`sc://h/;use_ssl=TRUE;token=Sekret-1;${parts.join('')}`);
        } catch (error) {
          expect(error).toBeInstanceOf(UrlProblem);
          expect(String(error)).not.toContain('Sekret-1');
        }
      }),
    );
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, type ScriptedHttp, scriptedHttp } from '../services/faults/http-server.ts';
import { pull } from './http-pull.ts';

/** What the last unit of a pass says: a run that was killed behind it must not take the pass for one that goes on. */
let server: ScriptedHttp;
beforeEach(async () => {
  server = await scriptedHttp();
});
afterEach(() => server.close());

/** So large that the unit is sealed at once. */
const PAD = 'x'.repeat(8_100_000);
const at = (second: number) => `2026-03-01T00:00:0${second}Z`;

describe('the last unit of a pass', () => {
  it.each([
    ['append, one response', { mode: 'append' }],
    ['append, several items', { mode: 'append', for_each: [{ c: 1 }, { c: 2 }], query: { c: '{c}' } }],
    ['snapshot, several items', { for_each: [{ c: 1 }, { c: 2 }], query: { c: '{c}' } }],
    [
      'windows',
      {
        cursor: { param: 'from', window: '1d', start: '2026-03-08' },
        for_each: [{ c: 1 }, { c: 2 }],
        query: { c: '{c}' },
      },
    ],
  ])('says that the pass is over: %s', async (_, options) => {
    server.script('GET /a', [json([{ id: 1, pad: PAD }])]);
    const { units, result } = await pull(
      { url: `${server.url}/a`, ...options },
      { now_ms: Date.parse('2026-03-09T12:00:00Z') },
    );
    expect(units.at(-1)?.position).toEqual(result?.position);
    expect(units.at(-1)?.position).toMatchObject({ polls: 1 });
    expect(units.at(-1)?.position).not.toHaveProperty('pass');
  });

  it('says so behind a resumed pass too: its pages are not followed again', async () => {
    const options = {
      url: `${server.url}/a`,
      records: '$.data',
      pages: { style: 'page', has_more: '$.more' },
      cursor: { param: 'since', field: 'at' },
    };
    server.script('GET /a', [json({ data: [{ id: 1, at: at(1) }], more: true }), { status: 400 }]);
    const first = await pull(options);
    server.script('GET /a', [json({ data: [{ id: 2, at: at(2), pad: PAD }], more: false })]);
    const second = await pull(options, { position: first.position });
    expect(second.units).toHaveLength(1);
    const behind = second.units[0]?.position;
    expect(behind).toEqual(second.result?.position);
    await pull(options, { position: behind });
    expect(server.requests.at(-1)?.query.get('page')).toBe('1');
  });
});

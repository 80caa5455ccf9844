import { describe, expect, it } from 'vitest';
import { withRetries } from './retries.ts';

const backoff = { attempts: 3, base_ms: 1, max_ms: 2 };
const failing = (times: number) => async (attempt: number) => {
  if (attempt <= times) throw new Error(`no ${attempt}`);
  return attempt;
};

describe('withRetries', () => {
  const signal = new AbortController().signal;

  it('tries again as often as allowed, and waits at least as long as asked', async () => {
    const waits: number[] = [];
    const options = { backoff, signal, waits: (_: unknown, ms: number) => waits.push(ms) };
    expect(await withRetries(failing(2), { ...options, again: () => ({ after_ms: 5 }) })).toBe(3);
    expect(waits.map((ms) => ms >= 5 && ms <= 7)).toEqual([true, true]);
    await expect(withRetries(failing(3), { ...options, again: () => ({}) })).rejects.toThrow('no 3');
    await expect(withRetries(failing(1), { ...options, again: () => undefined })).rejects.toThrow('no 1');
  });

  it('stops waiting when it is told to stop', async () => {
    const stop = new AbortController();
    const work = withRetries(failing(9), {
      backoff: { attempts: 9, base_ms: 60_000, max_ms: 60_000 },
      again: () => ({ after_ms: 60_000 }),
      signal: stop.signal,
      waits: () => stop.abort(),
    });
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
  });
});

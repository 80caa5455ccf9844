import { expect, it, vi } from 'vitest';
import { seldom } from './patience.ts';

it('the same remark comes once in a while, another one at once', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const said: string[] = [];
    const note = seldom((text) => said.push(text));
    for (let second = 0; second < 40; second++) {
      note('nobody answers');
      if (second === 5) note('safe mode');
      vi.advanceTimersByTime(1000);
    }
    expect(said).toEqual(['nobody answers', 'safe mode', 'nobody answers']);
  } finally {
    vi.useRealTimers();
  }
});

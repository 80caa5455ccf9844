import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, isTranscript, openWorkshop, type Workshop } from './support/transcript.ts';
import { differences } from './support/transcript-compare.ts';

const GUIDE = 'docs/guide';
const pages = readdirSync(GUIDE)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(join(GUIDE, name), 'utf8') }))
  .filter((page) => isTranscript(page.text));

describe('the sessions in the guide', () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = openWorkshop();
  }, 120_000);
  afterAll(() => workshop.remove());

  it.each(pages)('$name prints what it says', { timeout: 180_000 }, ({ name, text }) => {
    const project = workshop.project();
    try {
      const wrong: string[] = [];
      for (const block of blocksOf(text)) {
        for (const command of block.commands) {
          const found = differences(command.output, project.run(command.text));
          if (found.length > 0) wrong.push(`${GUIDE}/${name}:${command.line} $ ${command.text}\n${found.join('\n')}`);
        }
      }
      expect(wrong.join('\n\n'), `npm run transcripts -- ${GUIDE}/${name} writes what is printed now`).toBe('');
    } finally {
      project.remove();
    }
  });
});

describe('holding outputs against each other', () => {
  it('sees a different word, number or line', () => {
    expect(differences(['3 rows of silver.a'], ['4 rows of silver.a'])).toHaveLength(1);
    expect(differences(['a', 'b'], ['a'])).toHaveLength(1);
    expect(
      differences(['step  rows', '----  ----', 'a        1'], ['step  rows', '----  ----', 'a        2']),
    ).toHaveLength(1);
  });

  it('forgets ids, times, durations and the widths that follow from them', () => {
    expect(
      differences(
        [
          'run 01m7ypxsrb1hppqx1stx: 14 published in 2.72 s',
          'step  ms',
          '----  --',
          'a      9',
          '',
          '  "wall_ms": 12,',
        ],
        [
          'run 01m7ypxsrb1hppqx1sty: 14 published in 12.1 s',
          'step   ms',
          '----  ---',
          'a     119',
          '',
          '  "wall_ms": 7,',
        ],
      ),
    ).toEqual([]);
  });
});

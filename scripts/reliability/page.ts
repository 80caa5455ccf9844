import { existsSync, readFileSync } from 'node:fs';
import { FAULT_CASES } from '../../test/support/fault-cases.ts';
import { caseTests } from './tests.ts';

const SYSTEMS = ['WebHDFS', 'S3'] as const;
export const PAGE = 'docs/reliability.md';
const BEGIN = '<!-- soaks: begin -->';
export const MISHAPS_END = '<!-- mishaps: end -->';
const END = '<!-- soaks: end -->';
const BROKEN_BEGIN = '<!-- broken: begin -->';
const BROKEN_END = '<!-- broken: end -->';
const HEAD = '| soak | what was done | what came of it | when |\n| --- | --- | --- | --- |';

/** Lines of the soaks' table as the page has them, by the name of their soak. */
export function soakLines(): ReadonlyMap<string, string> {
  const text = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const section = text.slice(text.indexOf(BEGIN), Math.max(0, text.indexOf(END)));
  return new Map([...section.matchAll(/^\| `(soak:[^`]+)`.*$/gm)].map((match) => [match[1] ?? '', match[0]]));
}

/** What `npm run soak:broken` found, as the page has it. */
function brokenSection(): string {
  const text = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const begin = text.indexOf(BROKEN_BEGIN);
  return begin < 0 ? '' : text.slice(begin + BROKEN_BEGIN.length, text.indexOf(BROKEN_END)).trim();
}

/** Tables of mishaps as the page has them, by system. */
export function mishapTables(): ReadonlyMap<string, string> {
  const text = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  return new Map(SYSTEMS.map((system) => [system, between(text, mishapsBegin(system), MISHAPS_END)]));
}

export function mishapsBegin(system: string): string {
  return `<!-- mishaps ${system}: begin -->`;
}

function between(text: string, begin: string, end: string): string {
  const from = text.indexOf(begin);
  return from < 0 ? `${begin}\n${end}` : text.slice(from, text.indexOf(end, from) + end.length);
}

/** The whole page: cases and tests from the sources; the soaks' figures, what broken builds came to and what mishaps led to as given. */
export function reliabilityPage(
  soaks: ReadonlyMap<string, string>,
  broken = brokenSection(),
  tables: ReadonlyMap<string, string> = mishapTables(),
): string {
  const tests = caseTests();
  const rows = FAULT_CASES.map(({ number, title, outcomes }) => {
    const mine = tests.filter((test) => test.number === number);
    const files = [...new Set(mine.map(({ file }) => `[${file}](../${file})`))].join(', ');
    return `| ${number} | ${title} | ${outcomes.join(' ')} | ${files === '' ? 'none yet' : files} |`;
  });
  const details = FAULT_CASES.flatMap(({ number, title }) => {
    const mine = tests.filter((test) => test.number === number);
    return mine.length === 0
      ? []
      : [`**${number}. ${title}**\n\n${mine.map((test) => `- ${test.title}`).join('\n')}\n`];
  });
  const figures = [...soaks.values()].sort().join('\n');
  return `# Reliability

Made from the tests by \`npm run gen\`. Every case is a fault that is really done to the built program (or, where a file format is concerned,
to its reader), and what it may lead to is one of four things. Anything else is a defect.

- **ATOMIC**: what is published is exactly the old state or exactly the new one.
- **RESUME**: the next run ends with the same rows as a run that nothing disturbed.
- **QUAR**: bad rows or files are kept aside with file, line and reason; good rows go in; in = out + rejected.
- **EXIT**: a non-zero exit status, one line of cause and one of remedy; nothing half-published.

| case | what happens | outcome | tests |
| --- | --- | --- | --- |
${rows.join('\n')}

## Soaks

\`npm run soak:kill\` kills the program at every pass of every fault point of every verb that writes, and at random instants, and compares
with an undisturbed run by delta-rs. \`npm run soak:corrupt\` damages input files and the lake's own files at random places; what is not
refused must read exactly as the damaged file says to pyarrow and to Python's own csv, json and gzip. Slices of both are part of
\`npm test\`. \`npm run soak:kafka\` kills the program while it takes a topic of a real broker in, \`npm run soak:sync\` while it fills a mirror in MinIO or HDFS and restores from it: delta-rs reads what
a kill leaves there, and both sides afterwards. \`npm run soak:lake\` kills the runs, undos and compactions of two machines that share a lake in MinIO or HDFS, one after the other and side by side. \`npm run soak:load\` does the same to loads, which a client of its own reads. Slices are part of \`npm run test:services\`.
\`npm run soak:models\` plays random histories (files that come, change and go, decisions about rejected rows, undos and redos, runs that die) from other seeds than the one of CI against models that know nothing of tables; it needs no figures. Those of the others are kept with \`-- --write\`.

${BEGIN}
${HEAD}
${figures}
${END}

## Mishaps at destinations

Between the program and the real servers stands a proxy that does one thing to one kind of request: it answers 503, 429 or 500, answers 200
with an error in it after the server has done what was asked (as S3 may, WebHDFS not), resets the connection (in the middle of a large body, else after it was done), lets the answer never come, or cuts it in its middle. Then a sync goes on: list, put
(a small and a large file), remove, tidy, read back. "same sync" is equality at its end as if nothing had happened; "next sync" is a clean stop with
an error that is worth another attempt, and equality after the next one. In the last column the mishap never ends until the first sync gave up.
${SYSTEMS.map((system) => `\n**${system}**\n\n${tables.get(system) ?? ''}\n`).join('')}

## Broken builds

That the checks can fail is a test too. \`npm run soak:broken\` builds the program with one mistake at a time (an fsync left out, locks not
respected, checksums not compared …) and runs the tests of the cases on it: they have to turn red. A slice of it is part of \`npm test\`, and
[test/broken-build.test.ts](../test/broken-build.test.ts) does the same for what has no case: audits, conservation of rows, replay, undo.

${BROKEN_BEGIN}
${broken}
${BROKEN_END}

## What the tests do

${details.join('\n')}`;
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A test that bears the number of a fault case. */
export interface CaseTest {
  readonly number: number;
  /** What it does, as its title says. */
  readonly title: string;
  /** Path from the project's folder. */
  readonly file: string;
}

const FOLDERS = ['test', 'src'];
/** Titles are `case 12: …`; the table of input files writes `csv(27, 'header only', …)`. */
const TITLES = [
  /(?<!log\()(['"`])case (?<number>\d+): (?<title>(?:(?!\1)[^\\\n]|\\.)+)\1/g,
  /^ {2}csv\((?<number>\d+), '(?<title>[^']+)'/gm,
];

/** All of them, by number, then file, in the order in which they stand. */
export function caseTests(): readonly CaseTest[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .sort()
      .flatMap((name) => inFile(join(folder, name))),
  ).sort((a, b) => a.number - b.number);
}

function inFile(file: string): readonly CaseTest[] {
  const text = readFileSync(file, 'utf8');
  return TITLES.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ groups }) => ({
      number: Number(groups?.['number']),
      title: plain(groups?.['title'] ?? ''),
      file: file.replaceAll('\\', '/'),
    })),
  ).filter(({ title }) => title !== '');
}

/** A title of a table of tests has gaps (`%s`, `$name`); the words around them say enough. */
function plain(title: string): string {
  return title
    .replaceAll(/\\(.)/g, '$1')
    .replaceAll(/(, |: )?(%[sidjo]|\$\w+)/g, ' …')
    .replaceAll('|', '\\|')
    .trim();
}

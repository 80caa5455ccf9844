import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { PAGE, reliabilityPage, soakLines } from './page.ts';

/** Puts the line of one soak (`soak:kill`) into docs/reliability.md in place of its last one. */
export function writeSoakLine(name: string, line: string): void {
  writeFileSync(PAGE, reliabilityPage(new Map([...soakLines(), [name, line]])));
}

/** The same for a soak that counts violations, when its command line says `--write`. */
export function keepSoakLine(
  words: readonly string[],
  soak: { readonly name: string; readonly done: string; readonly wrong: number; readonly seed: number },
): void {
  if (!words.includes('--write')) return;
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const { name, done, wrong, seed } = soak;
  writeSoakLine(name, `| \`${name}\` | ${done} | ${wrong} violations | ${commit}, seed ${seed} |`);
}

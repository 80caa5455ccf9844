import { writeFileSync } from 'node:fs';
import { PAGE, reliabilityPage, soakLines } from './page.ts';

/** Puts the line of one soak (`soak:kill`) into docs/reliability.md in place of its last one. */
export function writeSoakLine(name: string, line: string): void {
  writeFileSync(PAGE, reliabilityPage(new Map([...soakLines(), [name, line]])));
}

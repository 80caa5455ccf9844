import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { PAGE, reliabilityPage, soakLines } from './reliability/page.ts';

/** Writes docs/reliability.md from the tests; `--check` only says whether it is up to date. */
const page = reliabilityPage(soakLines());
const old = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
else if (page !== old) {
  console.error(`${PAGE} is not what the tests say`);
  process.exitCode = 1;
}

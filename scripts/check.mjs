// Everything that can be checked without running the product: `npm run check [-- name…]`. All checks run, so that one round shows every
// failure; the last lines say which ones failed and how to fix them.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => resolve(root, 'node_modules', '.bin', name);

const CHECKS = [
  {
    name: 'format',
    run: [bin('biome'), 'ci', '--colors=off', '--max-diagnostics=50', '.'],
    fix: 'npm run fix; what is left needs a hand',
  },
  { name: 'types', run: [bin('tsc'), '-p', '.'], fix: 'mend the types named above' },
  {
    name: 'floors',
    run: [bin('depcruise'), 'src', '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long'],
    fix: 'each line above names its fix',
  },
  { name: 'sizes', run: [process.execPath, 'scripts/run.mjs', 'sizes'], fix: 'split what is too long' },
  {
    name: 'dead code',
    run: [bin('knip'), '--no-progress', '--no-config-hints'],
    fix: 'remove what nobody uses, or use it',
  },
  { name: 'registry', run: [process.execPath, 'scripts/run.mjs', 'gen', '--check'], fix: 'npm run gen' },
  {
    name: 'reference',
    run: [process.execPath, 'scripts/run.mjs', 'gen-reference', '--check'],
    needs: 'scripts/gen-reference.ts',
    fix: 'node scripts/run.mjs gen-reference',
  },
  {
    name: 'reliability',
    run: [process.execPath, 'scripts/run.mjs', 'gen-reliability', '--check'],
    fix: 'node scripts/run.mjs gen-reliability',
  },
  {
    name: 'lock file',
    run: [process.execPath, 'scripts/complete-lock.mjs', '--check'],
    fix: 'node scripts/complete-lock.mjs',
  },
  { name: 'hygiene', run: [process.execPath, 'scripts/run.mjs', 'hygiene'], fix: 'each line above names its fix' },
];

const wanted = process.argv.slice(2);
const chosen = CHECKS.filter((check) => wanted.length === 0 || wanted.includes(check.name));
if (chosen.length === 0) {
  console.error(`no such check; there are: ${CHECKS.map((check) => check.name).join(', ')}`);
  process.exit(2);
}

const failed = [];
for (const check of chosen) {
  if (check.needs !== undefined && !existsSync(resolve(root, check.needs))) continue;
  const started = Date.now();
  const [command = '', ...args] = check.run;
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const ok = status === 0;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${check.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (ok) continue;
  failed.push(check);
  console.log(`${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : error.message}`.trimEnd());
}
for (const check of failed)
  console.log(`${check.name} failed. Fix: ${check.fix}. Again: npm run check -- "${check.name}"`);
process.exitCode = failed.length === 0 ? 0 : 1;

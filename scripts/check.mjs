// Everything that can be checked without running the product: `npm run check [-- name…]`. All checks run, two at a time, so that one round
// shows every failure; the last lines say which ones failed and how to fix them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => resolve(root, 'node_modules', '.bin', name);
/** The native compiler takes a third of the time; the other one, whose API the tools need, is for platforms that it was not built for. */
const compiler = [`typescript-${process.platform}-${process.arch}`, 'typescript-7']
  .map((name, at) => resolve(root, 'node_modules', at === 0 ? '@typescript' : '', name))
  .every((folder) => existsSync(folder))
  ? 'typescript-7'
  : 'typescript';

const CHECKS = [
  {
    name: 'format',
    run: [bin('biome'), 'ci', '--colors=off', '--max-diagnostics=50', '.'],
    fix: 'npm run fix; what is left needs a hand',
  },
  {
    name: 'types',
    run: [process.execPath, resolve(root, 'node_modules', compiler, 'bin', 'tsc'), '-p', '.'],
    fix: 'mend the types named above',
  },
  {
    // A program of its own: what a browser has, the server's code must not see.
    name: 'types of the pages',
    run: [process.execPath, resolve(root, 'node_modules', compiler, 'bin', 'tsc'), '-p', 'src/dashboard'],
    fix: 'mend the types named above',
  },
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

const AT_ONCE = 2;
const wanted = process.argv.slice(2);
const chosen = CHECKS.filter((check) => wanted.length === 0 || wanted.includes(check.name));
if (chosen.length === 0) {
  console.error(`no such check; there are: ${CHECKS.map((check) => check.name).join(', ')}`);
  process.exit(2);
}

const failed = [];
const waiting = chosen.filter((check) => check.needs === undefined || existsSync(resolve(root, check.needs)));
await Promise.all(Array.from({ length: AT_ONCE }, worker));
for (const check of chosen.filter((one) => failed.includes(one)))
  console.log(`${check.name} failed. Fix: ${check.fix}. Again: npm run check -- "${check.name}"`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function worker() {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const started = Date.now();
    const { status, said } = await ended(check.run);
    console.log(
      `${status === 0 ? 'ok    ' : 'FAILED'} ${check.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`,
    );
    if (status === 0) continue;
    failed.push(check);
    console.log(said.trimEnd());
  }
}

async function ended([command = '', ...args]) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const status = new Promise((done) => {
    child.on('error', (error) => done(error.message));
    child.on('close', done);
  });
  const said = await Promise.all([text(child.stdout), text(child.stderr), status]);
  return { status: said[2], said: `${said[0]}${said[1]}${typeof said[2] === 'string' ? said[2] : ''}` };
}

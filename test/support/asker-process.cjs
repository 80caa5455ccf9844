// Runs command lines one after another in one process of the built program, for test/support/asker.ts, so that a test does not start Node and
// an engine for each. A request is a line of JSON on stdin; what a command prints goes to the files that stdout and stderr are, and a file
// named after the request says how it ended.
'use strict';

const { ftruncateSync, readFileSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { createInterface } = require('node:readline');

const [, , root, folder] = process.argv;
const { program } = require(join(root, 'bin/load.js')).load(join(root, 'dist'));

let last = Promise.resolve();
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  last = last.then(() => answer(JSON.parse(line)));
});
lines.on('close', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});

async function answer({ id, args, cwd, env }) {
  for (const fd of [1, 2]) ftruncateSync(fd, 0);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  const status = await program.execute(args);
  process.chdir(dirname(folder)); // The folder of the test may be removed now.
  // The ledger's driver keeps its files open until its statements are collected; a process that ends would have let go of them.
  globalThis.gc();
  await new Promise((done) => setImmediate(done));
  const [stdout, stderr] = ['stdout', 'stderr'].map((name) => readFileSync(join(folder, name), 'utf8'));
  const draft = join(folder, `draft-${id}`);
  writeFileSync(draft, JSON.stringify({ status, stdout, stderr }));
  renameSync(draft, join(folder, `done-${id}`));
}

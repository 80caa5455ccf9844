// Part of the build: runs commands of a built program in the working folder, then writes what they needed.
// Usage: node scripts/warm-up.mjs <folder of the program> <command>… [asked=<file>] [keep=<script>]
// `asked=` writes the names of the modules that were asked for, `keep=` the code that V8 compiled of one script, beside it.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder = '', ...words] = process.argv.slice(2);
const { load } = createRequire(import.meta.url)('../bin/load.js');
const { program, asked, compiledCode } = load(folder);
for (const word of words) {
  const [command = '', value] = word.split('=');
  if (command === 'asked') writeFileSync(value, JSON.stringify(asked));
  else if (command === 'keep') writeFileSync(join(folder, `${value}.cache`), compiledCode(value));
  else {
    const status = command === 'serve' ? await served() : await program.execute([command]);
    if (status !== 0) process.exit(status);
  }
}
process.exit(0);

/** A server from its start to its end, with an answer between; 0 when it ended as it was asked to. */
async function served() {
  const port = await freePort();
  const ending = program.execute(['serve', '--port', String(port), '--log-level', 'error']);
  let ended;
  void ending.then((status) => {
    ended = status;
  });
  const ask = (path) => fetch(`http://127.0.0.1:${port}${path}`).then((answer) => answer.text());
  while (ended === undefined && !(await ask('/ready').catch(() => ''))) await sleep(10);
  if (ended !== undefined) return ended;
  await ask('/api/v1/tables/gold/b');
  process.emit('SIGTERM', 'SIGTERM');
  return (await ending) === 143 ? 0 : 1;
}

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

// Part of the build: runs commands of a built program in the working folder, then writes what they needed.
// Usage: node scripts/warm-up.mjs <folder of the program> <command>… [asked=<file>] [keep=<script>]
// `asked=` writes the names of the modules that were asked for, `keep=` the code that V8 compiled of one script, beside it.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder = '', ...words] = process.argv.slice(2);
const { load } = createRequire(import.meta.url)('../bin/load.js');
const { program, asked, compiledCode } = load(folder);
for (const word of words) {
  const [command = '', value] = word.split('=');
  if (command === 'asked') writeFileSync(value, JSON.stringify(asked));
  else if (command === 'keep') writeFileSync(join(folder, `${value}.cache`), compiledCode(value));
  else {
    const status = await program.execute([command]);
    if (status !== 0) process.exit(status);
  }
}
process.exit(0);

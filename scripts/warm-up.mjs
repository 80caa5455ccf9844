// Part of the build: runs commands of a bundle in the working folder, and with `keep` writes the code that V8 compiled for them.
// Usage: node scripts/warm-up.mjs <folder of the bundle> <command>… [keep]
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder = '', ...words] = process.argv.slice(2);
const { load } = createRequire(import.meta.url)('../bin/load.js');
const { program, compiledCode } = load(join(folder, 'main.cjs'));
for (const command of words.filter((word) => word !== 'keep')) {
  const status = await program.execute([command]);
  if (status !== 0) process.exit(status);
}
if (words.includes('keep')) writeFileSync(join(folder, 'main.cache'), compiledCode());
process.exit(0);

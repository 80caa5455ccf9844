// Runs scripts/<name>.ts: bundles it to a temporary file (Node 20 reads no TypeScript) and imports that.
// Usage: node scripts/run.mjs <name> [arguments]
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [name = '', ...rest] = process.argv.slice(2);
const source = join(root, 'scripts', `${name}.ts`);
if (!existsSync(source)) {
  console.error(`there is no scripts/${name}.ts`);
  process.exit(2);
}

// Inside node_modules, so that the packages left out of the bundle are found from there.
const folder = mkdtempSync(join(root, 'node_modules', '.run-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const outfile = join(folder, `${name.replaceAll('/', '-')}.mjs`);
await build({
  entryPoints: [source],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
process.argv = [process.argv[0], source, ...rest];
process.chdir(root);
await import(pathToFileURL(outfile).href);

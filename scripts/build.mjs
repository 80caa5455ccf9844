// Builds dist/ from src/: one entry for the program, one for the thread that inspects files, and the help texts.
// Packages are bundled, so that a start reads a few files instead of hundreds; native ones stay packages.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src', 'main.ts');
if (!existsSync(source)) process.exit(0); // an installed package has dist/ and no src/

const { build } = await import('esbuild');
const NATIVE = ['@duckdb/node-api', '@duckdb/node-bindings*', '@photostructure/sqlite'];
// cosmiconfig asks for typescript only to read .ts configurations; faker is large and only `generate` uses it.
const LEFT_OUT = ['typescript', '@faker-js/faker'];
const WORKER = join('formats', 'inspect-worker.ts');

const out = join(root, 'dist');
const fresh = join(root, `dist.new-${process.pid}`);
try {
  const entries = { main: source };
  if (existsSync(join(root, 'src', WORKER))) entries['inspect-worker'] = join(root, 'src', WORKER);
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: fresh,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: [...NATIVE, ...LEFT_OUT],
    // CommonJS packages inside the bundle still call require().
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    legalComments: 'linked',
    logLevel: 'warning',
  });
  const { helpTexts } = await import(pathToFileURL(join(fresh, 'main.js')).href);
  mkdirSync(join(fresh, 'help'));
  for (const [name, text] of await helpTexts()) writeFileSync(join(fresh, 'help', `${name || 'index'}.txt`), text);
  rmSync(out, { recursive: true, force: true });
  renameSync(fresh, out);
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

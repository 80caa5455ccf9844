// Builds dist/ from src/: the program as two scripts with V8's compiled code beside them, the files of threads and reader processes, the
// pages of the dashboard, and the help texts.
//
// `--quick` leaves out what only makes starts shorter, and the dashboard: everything is in one script then, for builds that are run a few times.
// `--no-terminal` leaves out the terminal view, for builds that only tests run.
// `--if-changed` does nothing where dist/ was built of the same files by the same Node.
//
// CommonJS scripts, because Node 20 can keep compiled code for scripts but not for ES modules: with it the program is running a few ms
// after Node itself, without it (or as split ES modules) it takes 20 to 40 ms. Native packages stay packages.
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src', 'main.ts');
const workers = [
  join(root, 'src', 'formats', 'inspect-worker.ts'),
  join(root, 'src', 'kit', 'digest-worker.ts'),
  join(root, 'src', 'connectors', 'files', 'stat-worker.ts'),
  join(root, 'src', 'formats', 'document', 'document-process.ts'),
  join(root, 'src', 'engines', 'duckdb', 'reader-process.ts'),
];
if (!existsSync(source)) process.exit(0); // an installed package has dist/ and no src/

const NATIVE = ['@photostructure/sqlite'];
// Large or rare, and only needed once something else takes long anyway. cosmiconfig asks for typescript to read .ts configurations.
const LEFT_OUT = [
  'typescript',
  '@faker-js/faker',
  '@faker-js/faker/*',
  'hyparquet',
  'hyparquet-writer',
  'zstddec',
  'kafkajs',
  'kafkajs/*',
  'kafkajs-snappy',
  'lz4-napi',
  '@bokuweb/zstd-wasm',
  'avsc',
  'mongodb',
  'minio',
  'saxes',
  'ssh2-sftp-client',
  'tar-stream',
  'yauzl',
  '@grpc/grpc-js',
  '@bufbuild/protobuf/wire',
  'apache-arrow',
  'fastify',
  '@fastify/*',
  'prom-client',
  'jose',
];
// What packages ask for only in cases that never happen here. Left in, it would be read at every start.
const NEVER_USED = [
  // To run subcommands that are programs of their own; it brings the network stack along (3 ms).
  { asked_by: 'commander', module: /^node:child_process$/ },
  // To read configurations: only its search for the file is used, our own loader reads it.
  { asked_by: 'cosmiconfig', module: /^(js-yaml|parse-json|import-fresh)$/ },
  // For a client of another kind, and for workers of Cloudflare.
  { asked_by: 'pg', module: /^(pg-native|pg-cloudflare)$/ },
];
/**
 * The API of the engine is a hundred small files, which take 50 ms to find and read one by one: it goes into the bundle. Its native part is
 * found from where the API is installed, since that is the package which depends on it.
 */
const ENGINE_BINDINGS = {
  name: 'engine-bindings',
  setup: (build) => {
    build.onResolve({ filter: /^@duckdb\/node-bindings$/ }, ({ path }) => ({ path, namespace: 'engine-bindings' }));
    build.onLoad({ filter: /.*/, namespace: 'engine-bindings' }, () => ({
      contents: `const load = require;
module.exports = load('node:module').createRequire(load.resolve('@duckdb/node-api'))('@duckdb/node-bindings');`,
      resolveDir: root,
    }));
  },
};
/** Ink and yoga wait while they are loaded, which only an ES module may: the terminal view is one, and asked for by a script of its own. */
const TERMINAL_VIEW = {
  name: 'terminal-view',
  setup: (build) => {
    build.onResolve({ filter: /\/tui\/load-view\.ts$/ }, () => ({ path: '../bin/terminal.js', external: true }));
    // Only asked for by those who develop with React's tools.
    build.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: 'never-used' }));
  },
};
/** Packages of the server: two hundred files, in a script of their own with compiled code, which only a server loads. */
const WEB = [
  'fastify',
  '@fastify/cors',
  '@fastify/rate-limit',
  '@fastify/static',
  '@fastify/under-pressure',
  'helmet',
  'prom-client',
  'pino',
];
const WEB_PACKAGES = {
  name: 'web-packages',
  setup: (build) => {
    build.onResolve({ filter: /./ }, ({ path }) =>
      WEB.includes(path) ? { path: `web:${path}`, external: true } : undefined,
    );
  },
};
const COMMON = {
  absWorkingDir: root,
  bundle: true,
  minifySyntax: true,
  minifyWhitespace: true,
  platform: 'node',
  target: 'node20',
  external: [...NATIVE, ...LEFT_OUT],
  legalComments: 'linked',
  plugins: [
    ENGINE_BINDINGS,
    TERMINAL_VIEW,
    {
      name: 'never-used',
      setup: (build) => {
        for (const { asked_by, module } of NEVER_USED) {
          build.onResolve({ filter: module }, ({ importer, path }) =>
            importer.split(/[\\/]/).includes(asked_by) ? { path, namespace: 'never-used' } : undefined,
          );
        }
        build.onLoad({ filter: /.*/, namespace: 'never-used' }, () => ({ contents: 'module.exports = {};' }));
      },
    },
  ],
};

/** How the scripts of the program are built: each is a function of what a CommonJS module is given. */
const SCRIPT = {
  ...COMMON,
  plugins: [WEB_PACKAGES, ...COMMON.plugins],
  format: 'cjs',
  supported: { 'dynamic-import': false }, // import() in kept code finds no loader on Node 20; require() serves, of ES modules too
  charset: 'ascii', // bin/load.js reads it as one byte a character
  define: { 'import.meta.url': '__file_url', BUILD_ID: JSON.stringify(randomUUID()) },
  banner: {
    js: "(function(exports,require,module,__filename,__dirname){const __file_url=require('node:url').pathToFileURL(__filename).href;",
  },
  footer: { js: '})' },
};
/** What `web:` leads to (bin/load.js). */
const WEB_SCRIPT = {
  ...SCRIPT,
  plugins: COMMON.plugins,
  external: NATIVE,
  stdin: {
    contents: `export const packages = {${WEB.map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(name)})`)}};`,
    resolveDir: root,
    sourcefile: 'web.js',
  },
};
const WORKERS = {
  ...COMMON,
  entryPoints: workers,
  entryNames: '[name]',
  format: 'esm',
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
};

const TERMINAL = {
  ...WORKERS,
  entryPoints: [{ in: join(root, 'src', 'tui', 'watch.ts'), out: 'terminal' }],
  define: { 'process.env.NODE_ENV': '"production"' },
};

const WARM_UP_PROJECT = `version: 1
sources:
  a: { type: files, path: a.csv, settle_seconds: 0 }
silver:
  a: { from: a, rules: [ { not_null: [id] } ], key: id }
gold:
  b: { sql: "select x, count(*) as n from silver.a group by all" }
`;

const out = join(root, 'dist');
const fresh = join(root, `dist.new-${process.pid}`);
const BUILT_OF = 'built-of.txt';
const quick = process.argv.includes('--quick');
const terminal = !process.argv.includes('--no-terminal');
const built_of = builtOf();
if (process.argv.includes('--if-changed') && builtBefore() === built_of) process.exit(0);
try {
  const { build } = await esbuild();
  const { newPacks } = await import('./packs.mjs');
  const { buildDashboard } = await import('./dashboard.mjs');
  await build({ ...WORKERS, outdir: fresh });
  if (terminal) await build({ ...TERMINAL, outdir: fresh });
  await build({ ...WEB_SCRIPT, outfile: join(fresh, 'web.cjs') });
  if (!quick) await buildDashboard(join(fresh, 'dashboard'));
  const packs = await newPacks({ root, entry: source, folder: fresh, common: SCRIPT });
  await packs.whole();
  if (quick) writeFileSync(join(fresh, 'rest.cjs'), '(function(exports){exports.parts={}})');
  else await makeStartsShort(packs);
  writeFileSync(join(fresh, BUILT_OF), built_of);
  rmSync(out, { recursive: true, force: true });
  renameSync(fresh, out);
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

/** A hash of all that the build depends on: sources, its own scripts, the packages, Node. */
function builtOf() {
  const hash = createHash('sha256').update(`${process.version} ${process.arch} ${quick} ${terminal}\n`);
  const below = (path) =>
    statSync(join(root, path)).isDirectory()
      ? readdirSync(join(root, path)).flatMap((name) => below(join(path, name)))
      : [path];
  for (const name of ['src', 'bin', 'scripts', 'package.json', 'package-lock.json'].filter((one) =>
    existsSync(join(root, one)),
  ))
    for (const path of below(name))
      hash
        .update(`${path}\n`)
        .update(readFileSync(join(root, path)))
        .update('\n');
  return hash.digest('hex');
}

function builtBefore() {
  const file = join(out, BUILT_OF);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

async function makeStartsShort(packs) {
  await packs.write(quickModules(fresh));
  const { load } = createRequire(import.meta.url)('../bin/load.js');
  const { program } = load(fresh);
  mkdirSync(join(fresh, 'help'));
  for (const [name, text] of await program.helpTexts())
    writeFileSync(join(fresh, 'help', `${name || 'index'}.txt`), text);
  keepCompiledCode(fresh);
}

async function esbuild() {
  try {
    return await import('esbuild');
  } catch {
    console.error('building needs the development packages: npm ci (without --omit=dev)');
    process.exit(1);
  }
}

/** The modules that the quick answers ask for: `status`, and `run` with nothing to do. */
function quickModules(folder) {
  return inWarmUpProject((warmUp, project) => {
    const file = join(project, 'asked.json');
    warmUp(folder, 'run');
    warmUp(folder, 'status', 'run', `asked=${file}`);
    return new Set(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []);
  });
}

/**
 * Keeps V8's compiled code of the functions that the quick answers run, and of those that a run with work to do needs beside them. Code of
 * anything else would make every start slower to read.
 */
function keepCompiledCode(folder) {
  inWarmUpProject((warmUp) => {
    warmUp(folder, 'run', 'keep=rest');
    warmUp(folder, 'status', 'run', 'keep=main');
    warmUp(folder, 'serve', 'keep=web');
  });
}

/** Each call of `warmUp` is a process of its own in one small project. */
function inWarmUpProject(work) {
  const project = mkdtempSync(join(tmpdir(), 'dataflow-build-'));
  const warmUp = (folder, ...words) => {
    const args = [join(root, 'scripts', 'warm-up.mjs'), folder, ...words];
    const env = { ...process.env, XDG_CACHE_HOME: project };
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: project, env });
    if (status !== 0) console.error(`build: without compiled code, starts will take longer: ${stderr}`);
  };
  try {
    writeFileSync(join(project, 'pipelines.yaml'), WARM_UP_PROJECT);
    writeFileSync(join(project, 'a.csv'), 'id,x\n1,a\n');
    return work(warmUp, project);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

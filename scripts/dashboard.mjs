// The dashboard's pages: `dashboardConfig` is how Vite builds src/dashboard into a folder (scripts/build.mjs does), and
// `npm run dashboard` serves them from their sources while they are changed, with the answers of a `dataflow serve` that
// DATAFLOW_URL names (http://127.0.0.1:8000 when nothing is said).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Old browsers are not served: every one of these has light-dark(). */
const BROWSERS = ['chrome123', 'edge123', 'firefox120', 'safari17.5'];

/** What Vite is told. No file is written into a script or style sheet, and nothing stands in the page itself: the server allows neither. */
async function dashboardConfig(out) {
  const { default: react } = await import('@vitejs/plugin-react');
  return {
    configFile: false,
    envDir: false,
    root: join(root, 'src', 'dashboard'),
    logLevel: 'warn',
    plugins: [react(), preloadProgram],
    build: {
      outDir: out,
      emptyOutDir: true,
      target: BROWSERS,
      cssTarget: BROWSERS,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 700,
    },
  };
}

/** The entry is small and asks at once for what every page shows; the program that it starts is fetched beside it, not after it. */
const preloadProgram = {
  name: 'preload-program',
  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle = {} }) {
      const chunks = Object.values(bundle);
      const program = chunks.find((chunk) => chunk.facadeModuleId?.endsWith('/start.tsx'));
      if (program === undefined) return html;
      const known = chunks.filter((chunk) => chunk.isEntry).flatMap((chunk) => [chunk.fileName, ...chunk.imports]);
      return [program.fileName, ...program.imports]
        .filter((file) => !known.includes(file))
        .map((file) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` },
          injectTo: 'head',
        }));
    },
  },
};

/** Builds the pages into the folder `out`. */
export async function buildDashboard(out) {
  const { build } = await import('vite');
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = 'production'; // a build that tests ask for would be of React's development version
  try {
    await build(await dashboardConfig(out));
    compress(out);
  } finally {
    if (NODE_ENV === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = NODE_ENV;
  }
}

/** Each file once more as browsers like to get it, packed as small as it goes: the server sends these. */
function compress(out) {
  for (const { name, parentPath, path } of readdirSync(out, { recursive: true, withFileTypes: true })) {
    if (!/\.(html|js|css|svg)$/.test(name)) continue;
    const file = join(parentPath ?? path, name);
    const content = readFileSync(file);
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
    writeFileSync(`${file}.br`, brotliCompressSync(content));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { createServer } = await import('vite');
  const api = process.env['DATAFLOW_URL'] ?? 'http://127.0.0.1:8000';
  const server = await createServer({
    ...(await dashboardConfig('')),
    logLevel: 'info',
    server: { proxy: { '/api': { target: api, changeOrigin: true } } },
  });
  await server.listen();
  server.printUrls();
}

// The floors of the house: an import goes only downwards, edges are strangers to each other, nothing goes in circles.
// main.ts and the registry that it reads are the only files that know every room; tests may reach anything.
const TESTS = '\\.test\\.ts$|^src/.*/testing/';
const FREE = `^src/(main|registry)\\.ts$|${TESTS}`;
const EDGES = 'connectors|formats|engines|lake|landing|ledger|rules|generators';

/** Room → what it may import besides itself. */
const MAY_IMPORT = {
  cli: 'app|core|kit',
  tui: 'app|core|kit',
  api: 'app|core|kit',
  app: 'medallion|core|kit',
  medallion: 'core|kit',
  core: 'kit',
};

const floors = Object.entries(MAY_IMPORT).map(([room, below]) => ({
  name: `floor-${room}`,
  comment: `Fix: ${room}/ may import only ${below.replaceAll('|', ', ')}. Take the rest through a port of core/ports that main.ts fills.`,
  severity: 'error',
  from: { path: `^src/${room}/`, pathNot: FREE },
  to: { path: '^src/', pathNot: `^src/(${room}|${below})/` },
}));

module.exports = {
  forbidden: [
    ...floors,
    {
      name: 'edges-are-strangers',
      comment:
        'Fix: an edge (and each connector, format and engine among them) imports only core, kit and its own folder. Move what is shared to core or kit, or hand it over through a port.',
      severity: 'error',
      from: { path: `^src/(${EDGES})/`, pathNot: FREE },
      to: { path: '^src/', pathNot: '^src/($1|core|kit)/' },
    },
    {
      name: 'systems-are-strangers',
      comment: 'Fix: a connector or engine imports nothing of another one. Move what is shared to core or kit.',
      severity: 'error',
      from: { path: '^src/(connectors|engines)/([^/]+)/', pathNot: FREE },
      to: { path: '^src/$1/', pathNot: '^src/$1/$2/' },
    },
    {
      name: 'kit-knows-nothing',
      comment: 'Fix: kit/ imports nothing of ours. Domain words belong to core/.',
      severity: 'error',
      from: { path: '^src/kit/', pathNot: FREE },
      to: { path: '^src/', pathNot: '^src/kit/' },
    },
    {
      name: 'nobody-imports-main',
      comment: 'Fix: main.ts is the top; only tests and the build may import it. Take what you need from the Rooms.',
      severity: 'error',
      from: { path: '^src/', pathNot: TESTS },
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'only-main-reads-the-registry',
      comment: 'Fix: take components from the Rooms; only main.ts reads registry.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/main\\.ts$|${TESTS}` },
      to: { path: '^src/registry\\.ts$' },
    },
    {
      name: 'dashboard-knows-the-contract-alone',
      comment:
        'Fix: the pages run in a browser. They import core/contract (types) and their own folder; everything else comes by the API.',
      severity: 'error',
      from: { path: '^src/dashboard/', pathNot: TESTS },
      to: { path: '^src/', pathNot: '^src/(dashboard|core/contract)/' },
    },
    {
      name: 'core-does-no-io',
      comment: 'Fix: core/ and kit/ do no I/O. Put it into an edge behind a port.',
      severity: 'error',
      from: { path: '^src/core/', pathNot: FREE },
      to: {
        dependencyTypes: ['core'],
        path: '^(node:)?(fs|fs/promises|net|http|https|child_process|worker_threads|dgram|tls)$',
      },
    },
    {
      name: 'no-cycles',
      comment: 'Fix: cut the circle; usually a type belongs one floor lower, in core.',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { circular: true },
    },
    {
      name: 'no-dev-packages-in-the-product',
      comment:
        'Fix: move the package to dependencies, or the file to scripts/ or test/. (The dashboard is built with its packages in it.)',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/dashboard/|${TESTS}` },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      comment: 'Fix: the import points to nothing. Correct the path, or add the package to package.json.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    parser: 'tsc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.json', '.css'],
    },
  },
};

// Part of the build: the program as two scripts, so that a start reads no more than it needs. `main.cjs` has what the quick answers use,
// `rest.cjs` all other modules; a module is in one of them only. Wherever the source says import(), the module is asked for by name
// (`part:src/…`), and so are modules of `main.cjs` that the other script imports (`shared:src/…`): bin/load.js answers both.
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const { load } = createRequire(import.meta.url)('../bin/load.js');
const ASKED = /^(part|shared):/;
/** Packages that keep in globalThis what their copies have to share: a copy in each script, of what that uses, is smaller than a whole one. */
const TWICE = /node_modules\/zod\//;

/** What the scripts are made of. `options`: the root of the sources, the entry, the folder of the scripts, and what both are built with. */
export async function newPacks({ root, entry, folder, common }) {
  const bundled = async (contents, plugins, name) => {
    const { metafile } = await build({
      ...common,
      stdin: { contents: contents.join('\n'), resolveDir: root, sourcefile: 'pack.js' },
      plugins: [...plugins, ...common.plugins],
      metafile: true,
      outfile: join(folder, name ?? 'nothing.cjs'),
      write: name !== undefined,
    });
    return metafile;
  };
  const program = `export * from ${JSON.stringify(entry)};`;
  const { inputs } = await bundled([program], []);
  const graph = newGraph(root, inputs);
  return {
    /** Everything in `main.cjs`, to see what is asked for. */
    whole: () => bundled([program, table('parts', graph.parts), table('shared', [])], [byName(graph)], 'main.cjs'),
    /** Both scripts; `quick` are the modules behind import() that belong to the first. */
    write: async (quick) => {
      const first = graph.parts.filter((id) => quick.has(id));
      const rest = table(
        'parts',
        graph.parts.filter((id) => !quick.has(id)),
      );
      const writeFirst = async (lent) =>
        modulesOf(await bundled([program, table('parts', first), table('shared', lent)], [byName(graph)], 'main.cjs'));
      // What is lent is there as a whole, and may bring more modules into the first script, which are to be borrowed then.
      let own = await writeFirst([]);
      for (let known = -1; own.size > known; ) {
        known = own.size;
        const lent = new Set();
        const note = (id) => {
          lent.add(id);
          return { contents: 'module.exports = {};', loader: 'js' };
        };
        await bundled([rest], [byName(graph), borrowed(graph, own, note)]);
        own = await writeFirst([...lent]);
      }
      const { shared } = load(folder).program;
      const lend = (id) => ({ contents: borrowing(id, inputs[id].format, shared), loader: 'js' });
      await bundled([rest], [byName(graph), borrowed(graph, own, lend)], 'rest.cjs');
    },
  };
}

/** Which module an import leads to, and the modules behind import(), by their paths in the project. Those that are left out do not count. */
function newGraph(root, inputs) {
  const imports = Object.values(inputs).flatMap((input) => input.imports.filter(({ external }) => !external));
  const lookup = new Map(
    Object.entries(inputs).map(([id, input]) => [
      id,
      new Map(
        input.imports.flatMap(({ original, path, external }) =>
          external || !(path in inputs) ? [] : [[original, path]],
        ),
      ),
    ]),
  );
  return {
    parts: [...new Set(imports.filter(({ kind }) => kind === 'dynamic-import').map(({ path }) => path))],
    target: (importer, path) => {
      const known = lookup.get(relative(root, importer));
      return known === undefined ? path.replace(/^\.\//, '') : known.get(path);
    },
  };
}

/** The modules of which a script has any code. */
function modulesOf({ outputs }) {
  const [{ inputs }] = Object.values(outputs).filter((output) => output.entryPoint !== undefined);
  return new Set(Object.keys(inputs).filter((id) => inputs[id].bytesInOutput > 0));
}

/** `export const <name>`: by their names, functions that yield the modules. */
function table(name, ids) {
  const rows = ids.map((id) => `${JSON.stringify(id)}: () => require(${JSON.stringify(`./${id}`)})`);
  return `export const ${name} = {${rows.join(',\n')}};`;
}

/** Leaves import() to be asked for by name. */
function byName(graph) {
  return {
    name: 'by-name',
    setup: (pack) => {
      pack.onResolve({ filter: ASKED }, ({ path }) => ({ path, external: true }));
      pack.onResolve({ filter: /./ }, ({ path, kind, importer }) => {
        const id = kind === 'dynamic-import' ? graph.target(importer, path) : undefined;
        return id === undefined ? undefined : { path: `part:${id}`, external: true };
      });
    },
  };
}

/** Takes `own` modules of the first script from there; `load` says what stands in for them. */
function borrowed(graph, own, load) {
  return {
    name: 'borrowed',
    setup: (pack) => {
      pack.onResolve({ filter: /./ }, ({ path, importer }) => {
        const id = graph.target(importer, path);
        return id !== undefined && own.has(id) && !TWICE.test(id)
          ? { path: `/${id}.js`, namespace: 'borrowed' }
          : undefined;
      });
      pack.onLoad({ filter: /./, namespace: 'borrowed' }, ({ path }) => load(path.slice(1, -'.js'.length)));
    },
  };
}

/** The text of a module that hands on what the first script's has, with exports of the same kind. */
function borrowing(id, format, shared) {
  const taken = `require(${JSON.stringify(`shared:${id}`)})`;
  if (format !== 'esm') return `module.exports = ${taken};`;
  const lines = Object.keys(shared[id]()).map(
    (name, index) => `const v${index} = own[${JSON.stringify(name)}]; export { v${index} as ${name} };`,
  );
  return [`const own = ${taken};`, ...lines].join('\n');
}

// Loads the built program: `main.cjs` at once, `rest.cjs` when a module is asked for that is in there (scripts/packs.mjs), `web.cjs` with the
// packages of the server (`web:fastify`), each with the
// compiled code that the build kept if this Node can use it (another version refuses it and compiles anew: slower by some 20 ms,
// otherwise the same).
'use strict';

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

/** What the program in `folder` exports, and a function that yields the compiled code of its scripts as it is now. */
function load(folder) {
  const scripts = new Map();
  const asked = [];
  /** The exports of a script (ASCII only, by the build; a function of what a module is given). */
  const open = (name) => {
    const known = scripts.get(name);
    if (known !== undefined) return known.exports;
    const file = path.join(folder, `${name}.cjs`);
    const kept = path.join(folder, `${name}.cache`);
    const script = new vm.Script(fs.readFileSync(file, 'latin1'), {
      filename: file,
      cachedData: fs.existsSync(kept) ? fs.readFileSync(kept) : undefined,
    });
    const module = { exports: {} };
    scripts.set(name, { script, exports: module.exports });
    script.runInThisContext()(module.exports, requireFrom(file), module, file, folder);
    scripts.set(name, { script, exports: module.exports });
    return module.exports;
  };
  const requireFrom = (file) => {
    const outside = createRequire(file);
    const ask = (id) => {
      if (id.startsWith('shared:')) return open('main').shared[id.slice(7)]();
      if (id.startsWith('web:')) return open('web').packages[id.slice(4)]();
      if (!id.startsWith('part:')) return outside(id);
      const part = id.slice(5);
      asked.push(part);
      return (open('main').parts[part] ?? open('rest').parts[part])();
    };
    return Object.assign(ask, { resolve: outside.resolve });
  };
  return { program: open('main'), asked, compiledCode: (name) => scripts.get(name)?.script.createCachedData() };
}

exports.load = load;

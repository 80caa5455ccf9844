// Loads the bundled program, with the compiled code that the build kept if this Node can use it (another version refuses it and
// compiles anew: slower by some 20 ms, otherwise the same).
'use strict';

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

/** What `file` (ASCII only, by the build) exports, and a function that yields its compiled code as it is now. */
function load(file) {
  const cache = file.replace(/cjs$/, 'cache');
  const script = new vm.Script(
    `(function (exports, require, module, __filename, __dirname) {${fs.readFileSync(file, 'latin1')}\n})`,
    {
      filename: file,
      cachedData: fs.existsSync(cache) ? fs.readFileSync(cache) : undefined,
    },
  );
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, path.dirname(file));
  return { program: module.exports, compiledCode: () => script.createCachedData() };
}

exports.load = load;

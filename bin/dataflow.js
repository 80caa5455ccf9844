#!/usr/bin/env node
// Starts dataflow. Help and version are answered from texts that the build made, so that they cost no more than Node
// itself; everything else is in dist/main.cjs and dist/rest.cjs. Kept in old syntax: an old Node must get as far as the message below.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const OLDEST = [20, 19];
const HELP_FLAGS = ['-h', '--help'];
const root = path.join(__dirname, '..');

/** The prepared answer to these arguments, or undefined. */
function preparedAnswer(argv) {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    return `${JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version}\n`;
  }
  const asked = argv.length === 0 || argv[0] === 'help' || HELP_FLAGS.includes(argv[argv.length - 1]);
  if (!asked) return undefined;
  const words = argv[0] === 'help' ? argv.slice(1) : argv.filter((word) => !HELP_FLAGS.includes(word));
  if (!words.every((word) => /^[a-z]+$/.test(word))) return undefined;
  const file = path.join(root, 'dist', 'help', `${words.join('.') || 'index'}.txt`);
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

/** Writes all of the text; a reader that has gone (`| head`) is no error. */
function writeAll(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch (error) {
      if (error.code === 'EAGAIN') continue;
      if (error.code === 'EPIPE') return;
      throw error;
    }
  }
}

function start(argv) {
  const version = process.versions.node.split('.').map(Number);
  if (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1])) {
    process.stderr.write(`dataflow needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}\n`);
    process.exit(2);
  }
  const text = preparedAnswer(argv);
  if (text !== undefined) return writeAll(text);
  const built = path.join(root, 'dist');
  if (!fs.existsSync(path.join(built, 'rest.cjs'))) {
    process.stderr.write('dataflow is not built: run `npm ci` (or `npm run build`) first\n');
    process.exit(1);
  }
  require('./load.js').load(built).program.main(argv);
}

start(process.argv.slice(2));

// File and function sizes, with a ratchet. A file over 250 lines or a function over 60 is a remark; over 300 or 70 it fails.
// Those that were over the limit before are listed with their size in scripts/sizes.ratchet.json: they may shrink, not grow, and once
// they are small enough they must leave the list (`node scripts/sizes.mjs --tighten` does both; it never loosens).
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

// Tables of cases make test files long; their functions are held to the same limit as any.
const LIMITS = {
  file: { warn: 250, fail: 300 },
  'test file': { warn: 500, fail: 600 },
  function: { warn: 60, fail: 70 },
};
const FOLDERS = ['src', 'scripts', 'bin', 'test'];
const SKIPPED = /^src\/registry\.ts$/; // generated
const RATCHET = 'scripts/sizes.ratchet.json';

/** Sizes of a file and of each function in it. A callback given to describe/it is a list of cases, not a function to be short. */
export function measure(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = [
    {
      kind: /\.test\.ts$/.test(path) ? 'test file' : 'file',
      key: path,
      lines: text.replace(/\n$/, '').split('\n').length,
    },
  ];
  const is_test = /\.test\.ts$/.test(path);
  const visit = (node) => {
    if (isFunction(node) && node.body !== undefined && !(is_test && isSuite(node))) {
      const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const to = source.getLineAndCharacterOfPosition(node.end).line;
      found.push({ kind: 'function', key: `${path} ${nameOf(node, source)}`, line: from + 1, lines: to - from + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isFunction(node) {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isAccessor(node)
  );
}

function isSuite(node) {
  return ts.isCallExpression(node.parent) && /^(describe|it|test)\b/.test(node.parent.expression.getText());
}

function nameOf(node, source) {
  if (node.name !== undefined) return node.name.getText(source);
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText(source);
  return '(anonymous)';
}

/** Compares with the limits and the ratchet. Pure: lists of lines to print. */
export function judge(measured, ratchet) {
  const failures = [];
  const remarks = [];
  const largest = new Map();
  for (const one of measured) largest.set(one.key, Math.max(one.lines, largest.get(one.key) ?? 0));
  for (const { kind, key, line, lines } of measured) {
    const { warn, fail } = LIMITS[kind];
    const where = line === undefined ? key : key.replace(' ', `:${line} `);
    const allowed = ratchet[key];
    if (lines > (allowed ?? fail)) {
      const than = allowed === undefined ? `limit ${fail}` : `it had ${allowed}`;
      failures.push(`${where}: ${lines} lines, ${than}. Fix: split the ${kind} by what it does.`);
    } else if (lines > warn && allowed === undefined) remarks.push(`${where}: ${lines} lines (aim at ${warn})`);
  }
  for (const [key, allowed] of Object.entries(ratchet)) {
    const lines = largest.get(key) ?? 0;
    if (lines < allowed)
      failures.push(`${key}: shrank from ${allowed} to ${lines} lines. Fix: node scripts/sizes.mjs --tighten`);
  }
  return { failures, remarks };
}

/** The ratchet after tightening: no entry grows, none is added, those within the limits leave. */
export function tighten(measured, ratchet) {
  const tightened = {};
  for (const [key, allowed] of Object.entries(ratchet)) {
    const same = measured.filter((one) => one.key === key);
    const lines = Math.max(0, ...same.map((one) => one.lines));
    if (same[0] !== undefined && lines > LIMITS[same[0].kind].fail) tightened[key] = Math.min(allowed, lines);
  }
  return tightened;
}

function sourcesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => /\.(ts|tsx|js|mjs|cjs)$/.test(path) && !SKIPPED.test(path))
    .sort();
}

function run(argv) {
  const ratchet = existsSync(RATCHET) ? JSON.parse(readFileSync(RATCHET, 'utf8')) : {};
  const measured = FOLDERS.flatMap(sourcesIn).flatMap((path) => measure(path, readFileSync(path, 'utf8')));
  if (argv.includes('--tighten')) {
    writeFileSync(RATCHET, `${JSON.stringify(tighten(measured, ratchet), null, 2)}\n`);
    return;
  }
  const { failures, remarks } = judge(measured, ratchet);
  if (argv.includes('--remarks')) for (const line of remarks) console.log(line);
  for (const line of failures) console.error(line);
  if (failures.length > 0) process.exitCode = 1;
  else console.log(`${measured.length} sizes within limits, ${remarks.length} remarks (--remarks shows them)`);
}

if (import.meta.url === pathToFileURL(resolve(process.argv[1] ?? '')).href) run(process.argv.slice(2));

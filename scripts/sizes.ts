// File and function sizes, with a ratchet. A file over 250 lines or a function over 60 is a remark; over 300 or 70 it fails.
// Those that were over the limit before are listed with their size in scripts/sizes.ratchet.json: they may shrink, not grow, and once
// they are small enough they must leave the list (`node scripts/run.mjs sizes --tighten` does both; it never loosens).
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

// Tables of cases make test files long; their functions are held to the same limit as others.
const LIMITS = {
  file: { warn: 250, fail: 300 },
  'test file': { warn: 500, fail: 600 },
  function: { warn: 60, fail: 70 },
};
const FOLDERS = ['src', 'scripts', 'bin', 'test'];
const SKIPPED = /^src\/registry\.ts$/; // generated
const RATCHET = 'scripts/sizes.ratchet.json';

type Kind = keyof typeof LIMITS;

interface Measured {
  readonly kind: Kind;
  readonly key: string;
  readonly line?: number;
  readonly lines: number;
}

/** What was too long before, with its size. */
type Ratchet = Readonly<Record<string, number>>;

/** Sizes of a file and of each function in it. A callback given to describe, describeService or it is a list of cases, not a function to be short. */
export function measure(path: string, text: string): readonly Measured[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Measured[] = [
    {
      kind: /\.test\.ts$/.test(path) ? 'test file' : 'file',
      key: path,
      lines: text.replace(/\n$/, '').split('\n').length,
    },
  ];
  const is_contract = /\/testing\/contract-[^/]+\.ts$/.test(path);
  const is_test = is_contract || /\.test\.ts$/.test(path);
  const visit = (node: ts.Node): void => {
    if (
      isFunction(node) &&
      node.body !== undefined &&
      !(is_test && isSuite(node)) &&
      !(is_contract && isContract(node))
    ) {
      const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const to = source.getLineAndCharacterOfPosition(node.end).line;
      found.push({ kind: 'function', key: `${path} ${nameOf(node, source)}`, line: from + 1, lines: to - from + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isAccessor(node)
  );
}

/** A shared contract is a function that holds suites, which are lists of cases. */
function isContract(node: ts.Node): boolean {
  return ts.isFunctionDeclaration(node) && /Contract$/.test(node.name?.text ?? '');
}

function isSuite(node: ts.Node): boolean {
  return (
    ts.isCallExpression(node.parent) && /^(describe|describeService|it|test)\b/.test(node.parent.expression.getText())
  );
}

function nameOf(node: ts.FunctionLikeDeclaration, source: ts.SourceFile): string {
  if (node.name !== undefined) return node.name.getText(source);
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText(source);
  return '(anonymous)';
}

/** Compares with the limits and the ratchet. Pure: lists of lines to print. */
export function judge(measured: readonly Measured[], ratchet: Ratchet): { failures: string[]; remarks: string[] } {
  const failures: string[] = [];
  const remarks: string[] = [];
  const largest = new Map<string, number>();
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
      failures.push(`${key}: shrank from ${allowed} to ${lines} lines. Fix: node scripts/run.mjs sizes --tighten`);
  }
  return { failures, remarks };
}

/** The ratchet after tightening: no entry grows, none is added, those within the limits leave. */
export function tighten(measured: readonly Measured[], ratchet: Ratchet): Ratchet {
  const tightened: Record<string, number> = {};
  for (const [key, allowed] of Object.entries(ratchet)) {
    const same = measured.filter((one) => one.key === key);
    const lines = Math.max(0, ...same.map((one) => one.lines));
    if (same[0] !== undefined && lines > LIMITS[same[0].kind].fail) tightened[key] = Math.min(allowed, lines);
  }
  return tightened;
}

function sourcesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => /\.(ts|tsx|js|mjs|cjs)$/.test(path) && !SKIPPED.test(path))
    .sort();
}

function run(argv: readonly string[]): void {
  const ratchet = existsSync(RATCHET) ? (JSON.parse(readFileSync(RATCHET, 'utf8')) as Ratchet) : {};
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

if (process.argv[1]?.endsWith('sizes.ts') === true) run(process.argv.slice(2));

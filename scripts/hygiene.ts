// What no tracked file may hold: paths of somebody's machine, hosts of a private package registry, escape hatches of the type checker,
// tests that were left focused. Each failure names the line and the fix.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const CODE = /\.(ts|tsx|mts|cts|js|mjs|cjs)$/;
const SELF = /^scripts\/hygiene\.ts$|^test\/tooling\.test\.ts$/;

interface Rule {
  readonly pattern: RegExp;
  /** Files that it concerns. */
  readonly files: RegExp;
  readonly fix: string;
}

const RULES: readonly Rule[] = [
  {
    pattern: /(?<![\w.$}<~-])\/(?:home|Users|root|work|mnt|private)\/[\w.-]+/,
    files: /./,
    fix: 'write the path relative to the project, or use a temporary folder',
  },
  { pattern: /[A-Z]:\\(?:Users|Documents)/, files: /./, fix: 'write the path relative to the project' },
  {
    pattern: /"resolved":\s*"https?:\/\//,
    files: /package-lock\.json$/,
    fix: 'npm install --package-lock-only (.npmrc leaves registry hosts out)',
  },
  { pattern: /^\s*(?:@[\w-]+:)?registry\s*=/m, files: /\.npmrc$/, fix: 'keep registry settings in your own ~/.npmrc' },
  {
    pattern: /@ts-(?:ignore|nocheck)\b/,
    files: CODE,
    fix: 'mend the type; @ts-expect-error with a reason is allowed in tests',
  },
  { pattern: /\b(?:describe|it|test)\.only\(/, files: /\.test\.ts$/, fix: 'remove .only' },
];

/** Complaints about one file, as `file:line: text. Fix: …`. */
export function complaints(path: string, text: string): readonly string[] {
  const found: string[] = [];
  const rules = RULES.filter((rule) => rule.files.test(path));
  for (const [i, line] of text.split('\n').entries()) {
    for (const rule of rules) {
      const match = rule.pattern.exec(line);
      if (match !== null) found.push(`${path}:${i + 1}: ${match[0].trim()}. Fix: ${rule.fix}.`);
    }
  }
  return found;
}

function run(): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  });
  const failures = listed
    .split('\0')
    .filter((path) => path !== '' && !SELF.test(path))
    .flatMap((path) => {
      const bytes = readIfThere(path);
      return bytes === undefined || bytes.includes(0) ? [] : complaints(path, bytes.toString('utf8'));
    });
  for (const line of failures) console.error(line);
  if (failures.length > 0) process.exitCode = 1;
}

/** A file that git lists may have been removed from the folder. */
function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

if (process.argv[1]?.endsWith('hygiene.ts') === true) run();

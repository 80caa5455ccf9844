// Completes package-lock.json with the optional packages of other platforms. npm leaves out those that the registry at hand does not
// offer, and `npm ci` then refuses the whole lock file; an entry without a hash is enough for it to pass over a foreign platform.
// `--check` only says whether something is missing. Run it after `npm install`.
import { readFileSync, writeFileSync } from 'node:fs';

const LOCK = 'package-lock.json';
const OS = /(?:^|[-/])(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|aix|win32)(?=-|$)/;
const CPU = /-(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64|wasm32)(?=-|$)/;

/** Entries for the optional packages that the lock file names but does not hold. */
function missingEntries(packages) {
  const missing = {};
  for (const owner of Object.values(packages)) {
    for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
      const key = `node_modules/${name}`;
      if (key in packages || key in missing || !/^\d+\.\d+\.\d+/.test(version)) continue;
      missing[key] = entryFor(name, version, owner.dev === true);
    }
  }
  return missing;
}

function entryFor(name, version, dev) {
  const os = OS.exec(name)?.[1];
  const cpu = CPU.exec(name)?.[1];
  const libc = os !== 'linux' ? undefined : /musl/.test(name) ? 'musl' : 'glibc';
  return {
    version,
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(dev ? { dev: true } : {}),
    ...(libc === undefined ? {} : { libc: [libc] }),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
}

const lock = JSON.parse(readFileSync(LOCK, 'utf8'));
const missing = missingEntries(lock.packages);
const names = Object.keys(missing);
if (process.argv.includes('--check')) {
  for (const name of names) console.error(`${LOCK} lacks ${name}. Fix: node scripts/complete-lock.mjs`);
  process.exitCode = names.length === 0 ? 0 : 1;
} else if (names.length > 0) {
  const packages = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(LOCK, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
  console.log(`added ${names.length} entries`);
}

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Readiness } from '../../core/ports/source.ts';
import type { DocumentKind } from './reading.ts';

/** Packages that reading documents takes. They are large, so they are installed only by those who need them. */
const VERSIONS = {
  'tesseract.js': '7.0.0',
  'pdfjs-dist': '5.4.296',
  '@napi-rs/canvas': '0.1.80',
  utif2: '4.1.0',
} as const;
const DATA_VERSION = '1.0.0';
export const DATA_PREFIX = '@tesseract.js-data/';

const KIND_PACKAGES: Readonly<Record<DocumentKind, readonly (keyof typeof VERSIONS)[]>> = {
  png: [],
  jpeg: [],
  tiff: ['utif2'],
  pdf: ['pdfjs-dist', '@napi-rs/canvas'],
};

const resolve = createRequire(import.meta.url).resolve;

/** Folder of an installed package; undefined when it is not there. */
export function packageFolder(name: string): string | undefined {
  try {
    return dirname(resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** `tesseract.js 7.0.0`, … of the packages that read such a document. */
export function packagesFor(kind: DocumentKind, languages: readonly string[]): readonly string[] {
  return ['tesseract.js', ...languages.map((one) => `${DATA_PREFIX}${one}`), ...KIND_PACKAGES[kind]];
}

/** Version of an installed package. */
export function installedVersion(name: string): string {
  const folder = packageFolder(name);
  if (folder === undefined) return 'missing';
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string };
  return version;
}

/** @throws DataflowError E_PACKAGE_MISSING that says what to install. */
export function requirePackages(kind: DocumentKind, languages: readonly string[]): void {
  const missing = missingOf(packagesFor(kind, languages));
  if (missing.length === 0) return;
  throw new DataflowError('E_PACKAGE_MISSING', `reading ${words(kind)} takes ${listed(missing)}, not installed here`, {
    kept: 'nothing of this source was taken; the documents stay where they are',
    hint: `Run: ${installLine(missing)}`,
  });
}

/** Whether everything is there that any document takes. */
export function readiness(languages: readonly string[]): Readiness {
  const all = [...new Set((['png', 'tiff', 'pdf'] as const).flatMap((kind) => packagesFor(kind, languages)))];
  const missing = missingOf(all);
  if (missing.length === 0)
    return { ok: true, words: `tesseract.js ${installedVersion('tesseract.js')} with ${languages.join(', ')}` };
  return {
    ok: false,
    words: `reading documents takes ${listed(missing)}, not installed here`,
    hint: `Run: ${installLine(missing)}`,
  };
}

function missingOf(names: readonly string[]): readonly string[] {
  return names.filter((name) => packageFolder(name) === undefined);
}

/** The command that puts packages where this program finds them: beside itself. */
function installLine(names: readonly string[]): string {
  const own = ownFolder();
  const at = own.lastIndexOf(`${sep}node_modules${sep}`);
  const wanted = names.map((name) => `${name}@${versionOf(name)}`).join(' ');
  if (at < 0) return `npm install --no-save --prefix ${own} ${wanted}`;
  const home = own.slice(0, at);
  return existsSync(join(home, 'package.json'))
    ? `npm install --prefix ${home} ${wanted}`
    : `npm install --global ${wanted}`;
}

/** Where the program is installed: the next folder above this file that is a package. */
function ownFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function versionOf(name: string): string {
  return name.startsWith(DATA_PREFIX) ? DATA_VERSION : VERSIONS[name as keyof typeof VERSIONS];
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function words(kind: DocumentKind): string {
  return kind === 'pdf' ? 'a PDF' : `a ${kind.toUpperCase()} file`;
}

import { lstatSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import picomatch from 'picomatch';

/** One glob, ready to be walked: the folder where it begins and what matches below. */
export interface Pattern {
  /** Absolute folder that holds everything the glob can match. */
  readonly base: string;
  /** Depth of folders below `base` that can matter; Infinity with `**`. */
  readonly depth: number;
  /** Matches paths relative to `base`, with `/`. */
  readonly matches: (path: string) => boolean;
  /** The one file name meant when the glob has no magic; such a file is looked up, not searched for. */
  readonly name?: string;
}

/** `s`: a newline in a file name is a character like any other. */
const OPTIONS = { windows: false, nonegate: true, flags: 's' } as const;

/** `root` = absolute folder from which relative globs start. */
export function compilePattern(glob: string, root: string): Pattern {
  const { base, glob: rest, isGlob } = picomatch.scan(glob, { ...OPTIONS, noparen: false });
  const absolute = (path: string): string => (isAbsolute(path) ? normalize(path) : normalize(join(root, path)));
  // A file whose own name looks like a glob is meant as it is written.
  const plain =
    lstatSync(absolute(glob), { throwIfNoEntry: false })?.isFile() === true
      ? absolute(glob)
      : isGlob
        ? undefined
        : absolute(unescaped(glob));
  if (plain !== undefined) {
    const name = basename(plain);
    return { base: dirname(plain), depth: 0, matches: (candidate) => candidate === name, name };
  }
  // The bare expression: picomatch's own matcher builds an object for every name it looks at.
  const expression = picomatch.makeRe(rest, OPTIONS);
  const depth = rest.includes('**') ? Number.POSITIVE_INFINITY : rest.split('/').length - 1;
  return {
    base: absolute(unescaped(base)).replace(/(.)\/$/, '$1'),
    depth,
    matches: (candidate) => expression.test(candidate),
  };
}

function unescaped(path: string): string {
  return path.replace(/\\(.)/gs, '$1');
}

/** A glob of a place: the same grammar, but the place says what is there. */
export interface PlacedPattern {
  /** What everything meant begins with. */
  readonly prefix: string;
  readonly folder: string;
  readonly depth: number;
  /** Matches whole paths of the place. */
  readonly matches: (path: string) => boolean;
}

export function compilePlacedPattern(glob: string): PlacedPattern {
  const plain = glob.replace(/^(?:\.\/)+/, '');
  const { base, glob: rest, isGlob } = picomatch.scan(plain, { ...OPTIONS, noparen: false });
  if (!isGlob) {
    const path = unescaped(plain);
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) || '/' : '';
    return { prefix: path, folder, depth: 0, matches: (candidate) => candidate === path };
  }
  const folder = unescaped(base).replace(/(.)\/$/, '$1');
  const below = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
  const expression = picomatch.makeRe(rest, OPTIONS);
  return {
    prefix: below + (/^[^*?[\]{}()!+@\\]*/.exec(rest)?.[0] ?? ''),
    folder,
    depth: rest.includes('**') ? Number.POSITIVE_INFINITY : rest.split('/').length - 1,
    matches: (candidate) => candidate.startsWith(below) && expression.test(candidate.slice(below.length)),
  };
}

/** Whether the name of a member is meant; undefined without globs. */
export function compileMembers(globs: readonly string[]): ((name: string) => boolean) | undefined {
  const tests = globs.map((glob) => picomatch(glob.replace(/^\.\//, ''), OPTIONS));
  return tests.length === 0 ? undefined : (name) => tests.some((test) => test(name));
}

/** Whether a path (relative to the project) is excluded. */
export function compileExcludes(globs: readonly string[]): (path: string) => boolean {
  const tests = globs.map((glob) => picomatch(glob.replace(/^\.\//, ''), { ...OPTIONS, dot: true }));
  return tests.length === 0 ? () => false : (path) => tests.some((test) => test(path));
}

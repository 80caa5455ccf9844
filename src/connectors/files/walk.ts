import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Pattern } from './patterns.ts';
import { type FileStamp, STAT_TOGETHER_MIN, type StampOf, statTogether } from './stat-together.ts';

/** What a walk answers about each name that matches. */
export interface Visitor {
  /** A regular file, or a link to one inside the allowed folders. `path` is relative to the project, with `/`. */
  file(path: string, absolute: string, stat: FileStamp): void;
  refuse(path: string, code: string, reason: string): void;
  /** The glob's folder, or the one file it names, is not there. */
  missing(path: string, reason: string): void;
  excluded(path: string): boolean;
  /** Called when there is time: another thread looks at so many files. */
  meanwhile(files: number): void;
  /** True when these files of one folder need not be visited one by one. `prefix` and a name make a path. */
  settled(prefix: string, names: readonly string[], stampOf: StampOf): boolean;
}

/** Folders deeper than this below the glob's base are a loop or an accident. */
const DEPTH_MAX = 100;

/**
 * Visits what one pattern matches. Synchronous: a promise per file costs several times the system call.
 * Links to folders are not followed; a link to a file is followed when the file lies inside the project or the pattern's folder.
 * @throws DataflowError E_SOURCE_IO (a folder cannot be read)
 */
export function walk(pattern: Pattern, root: string, visitor: Visitor): void {
  const prefix = projectPath(root, pattern.base);
  const allowed = [root, pattern.base].map(realOr);
  if (pattern.name !== undefined) {
    literal(pattern.base, prefix, pattern.name, allowed, visitor);
    return;
  }
  const stat = statSync(pattern.base, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory()) {
    visitor.missing(
      prefix === '' ? '.' : prefix,
      stat === undefined ? 'the folder does not exist' : 'it is not a folder',
    );
    return;
  }
  walkFolder(
    { pattern, allowed, visitor, prefix: prefix === '' ? '' : `${prefix}/` },
    pattern.base === sep ? '' : pattern.base,
    '',
    0,
  );
}

interface Walk {
  readonly pattern: Pattern;
  readonly allowed: readonly string[];
  readonly visitor: Visitor;
  /** The base as seen from the project, empty or ending in `/`. */
  readonly prefix: string;
}

function walkFolder(task: Walk, folder: string, below: string, depth: number): void {
  const { pattern, visitor, prefix } = task;
  const entries = readFolder(folder === '' ? sep : folder);
  if (entries.length >= STAT_TOGETHER_MIN) {
    walkLargeFolder(task, folder, below, depth, entries);
    return;
  }
  for (const entry of entries) {
    const inside = below + entry.name;
    if (entry.isDirectory()) {
      if (depth < pattern.depth && depth < DEPTH_MAX && !entry.name.startsWith('.'))
        walkFolder(task, `${folder}${sep}${entry.name}`, `${inside}/`, depth + 1);
      continue;
    }
    if (!pattern.matches(inside)) continue;
    const path = prefix + inside;
    if (visitor.excluded(path)) continue;
    visit(entry, path, `${folder}${sep}${entry.name}`, task.allowed, visitor);
  }
}

/** The same for a folder with so many files that two threads stat them. */
function walkLargeFolder(task: Walk, folder: string, below: string, depth: number, entries: readonly Dirent[]): void {
  const { pattern, visitor, prefix } = task;
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) {
      if (depth < pattern.depth && depth < DEPTH_MAX && !entry.name.startsWith('.'))
        walkFolder(task, `${folder}${sep}${entry.name}`, `${below}${entry.name}/`, depth + 1);
      continue;
    }
    const inside = below + entry.name;
    if (!pattern.matches(inside) || visitor.excluded(prefix + inside)) continue;
    if (entry.isFile()) names.push(entry.name);
    else visit(entry, prefix + inside, `${folder}${sep}${entry.name}`, task.allowed, visitor);
  }
  const stampOf = statTogether(`${folder}${sep}`, names, () => visitor.meanwhile(names.length));
  if (visitor.settled(prefix + below, names, stampOf)) return;
  for (const [index, name] of names.entries()) {
    const stamp = stampOf(index);
    // Gone between the listing and here: as if it had not been listed.
    if (stamp !== undefined) visitor.file(prefix + below + name, `${folder}${sep}${name}`, stamp);
  }
}

function readFolder(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataflowError('E_SOURCE_IO', `the folder ${folder} cannot be read: ${reason}`, {
      place: { file: folder },
      cause: error,
    });
  }
}

function literal(base: string, prefix: string, name: string, allowed: readonly string[], visitor: Visitor): void {
  const absolute = `${base === sep ? '' : base}${sep}${name}`;
  const path = prefix === '' ? name : `${prefix}/${name}`;
  if (visitor.excluded(path)) return;
  const stat = lstatSync(absolute, { throwIfNoEntry: false });
  if (stat === undefined) visitor.missing(path, 'it does not exist yet');
  else if (stat.isDirectory())
    visitor.refuse(path, 'is_folder', `it is a folder; to read the files in it write ${path}/*`);
  else visit(stat, path, absolute, allowed, visitor);
}

type Kind = Pick<Dirent, 'isFile' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>;

function visit(kind: Kind, path: string, absolute: string, allowed: readonly string[], visitor: Visitor): void {
  if (kind.isFile()) {
    const stat = statSync(absolute, { bigint: true, throwIfNoEntry: false });
    // Gone between the listing and here: as if it had not been listed.
    if (stat?.isFile() === true) visitor.file(path, absolute, stat);
  } else if (kind.isSymbolicLink()) visitLink(path, absolute, allowed, visitor);
  else
    visitor.refuse(
      path,
      'not_a_file',
      `it is a ${kind.isFIFO() ? 'named pipe' : kind.isSocket() ? 'socket' : 'device'}, not a regular file`,
    );
}

function visitLink(path: string, absolute: string, allowed: readonly string[], visitor: Visitor): void {
  let target: string;
  try {
    target = realpathSync(absolute);
  } catch {
    visitor.refuse(path, 'broken_link', 'it is a link to something that does not exist');
    return;
  }
  if (!allowed.some((folder) => target === folder || target.startsWith(folder === sep ? sep : folder + sep))) {
    visitor.refuse(path, 'link_outside', 'it is a link to a file outside the project');
    return;
  }
  const stat = statSync(target, { bigint: true, throwIfNoEntry: false });
  if (stat?.isFile() === true) visitor.file(path, absolute, stat);
  else
    visitor.refuse(
      path,
      'not_a_file',
      stat?.isDirectory() === true
        ? 'it is a link to a folder; such links are not followed'
        : 'it is a link to something that is not a regular file',
    );
}

function realOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** A path as seen from the project, with `/`. */
function projectPath(root: string, absolute: string): string {
  const path = relative(root, absolute);
  return sep === '/' ? path : path.replaceAll(sep, '/');
}

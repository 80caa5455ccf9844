import type { MirroredFile } from '../model/mirror.ts';
import { tableKey } from '../model/table.ts';
import type { FarFile } from '../ports/far-storage.ts';
import type { LakeFile, TableFiles } from '../ports/lake-care.ts';

/** As rclone has it: equal, missing on this side, missing on the other side, differing, and what nobody of us did. */
export type MirrorMark = '=' | '-' | '+' | '*' | '!';

/** What is to be said, and perhaps done, about one file. */
export interface MirrorItem {
  readonly mark: MirrorMark;
  readonly path: string;
  /** `gold.kpi`; undefined for a table that the mirror is not about any more. */
  readonly table: string | undefined;
  readonly near: LakeFile | undefined;
  readonly far: FarFile | undefined;
  readonly why: string;
  /** For `-`: we put it there, so it is ours to remove. */
  readonly ours: boolean;
}

/** A file that both sides have and of which only checksums can tell whether it is the same. */
export interface Doubt {
  readonly table: string;
  readonly near: LakeFile;
  readonly far: FarFile;
  /** What is known of an earlier writing. */
  readonly known: MirroredFile | undefined;
}

interface TableAt {
  readonly table: string;
  readonly version: number;
}

const ENTRY = /\/_delta_log\/(\d{20})\.json$/;

/**
 * Compares the lake's files with a listing of the far side, file by file as they come, from what is remembered of earlier writings. Pure. A file is equal
 * when its mark is that of the writing by which we put these very bytes there: neither side is read for it.
 */
export class MirrorComparison {
  readonly items: MirrorItem[] = [];
  readonly doubts: Doubt[] = [];
  same = { files: 0, size_bytes: 0 };
  /** Files below the mirror that are no tables' of ours: left alone. */
  others = { files: 0, size_bytes: 0 };
  readonly #near = new Map<string, { readonly file: LakeFile; readonly table: string }>();
  readonly #known: ReadonlyMap<string, MirroredFile>;
  readonly #folders: ReadonlyMap<string, TableAt>;
  readonly #tell_same: boolean;

  constructor(
    tables: readonly TableFiles[],
    known: ReadonlyMap<string, MirroredFile>,
    options: { readonly tell_same?: boolean } = {},
  ) {
    this.#known = known;
    this.#tell_same = options.tell_same === true;
    this.#folders = new Map(tables.map(({ folder, table, version }) => [folder, { table: tableKey(table), version }]));
    for (const one of tables)
      for (const file of [...one.data, ...one.entries, ...one.checkpoints, ...one.hints])
        this.#near.set(file.path, { file, table: tableKey(one.table) });
  }

  /** A file of the far side's listing; each once. */
  see(far: FarFile): void {
    const found = this.#near.get(far.path);
    const known = this.#known.get(far.path);
    if (found === undefined) this.#onlyFar(far, known);
    else {
      this.#near.delete(far.path);
      this.#both(found.table, found.file, far, known);
    }
  }

  /** What no listing showed is missing there. */
  finish(): void {
    for (const [path, { file, table }] of this.#near) {
      const gone = this.#known.has(path);
      this.#add('+', { table, near: file }, gone ? 'removed there by others' : 'new');
    }
    this.#near.clear();
  }

  /** What the checksums of a doubtful file say; undefined: nothing. */
  settle({ table, near, far, known }: Doubt, same: boolean | undefined): void {
    if (same === true) this.#same(table, near, far);
    // Written over again and again, and nothing is remembered of it: ours as likely as not, and a hint only.
    else if (near.kind === 'hint' && known === undefined) this.#add('*', { table, near, far }, 'written anew');
    else if (known === undefined)
      this.#add('!', { table, near, far }, same === false ? 'another file is there' : 'nobody knows what is there');
    else this.#add('!', { table, near, far }, 'changed there by others');
  }

  #both(table: string, near: LakeFile, far: FarFile, known: MirroredFile | undefined): void {
    if (known === undefined || known.mark !== far.mark) {
      if (near.size_bytes === far.size_bytes) this.doubts.push({ table, near, far, known });
      else this.settle({ table, near, far, known }, false);
    } else if (isAsPut(near, known)) this.#same(table, near, far);
    else if (near.kind === 'data' || near.kind === 'entry')
      this.#add('!', { table, near, far }, 'the lake has another file of this name than was mirrored');
    else this.#add('*', { table, near, far }, 'written anew');
  }

  #onlyFar(far: FarFile, known: MirroredFile | undefined): void {
    const [folder, its] = this.#folderOf(far.path);
    const ours = known !== undefined && known.mark === far.mark;
    const version = Number(ENTRY.exec(far.path)?.[1] ?? -1);
    if (its === undefined && !ours) {
      this.others = { files: this.others.files + 1, size_bytes: this.others.size_bytes + far.size_bytes };
    } else if (its !== undefined && folder !== undefined && version > its.version)
      this.#add('!', { table: its.table, far }, ours ? 'the lake’s table was made anew' : 'a version of others');
    else if (ours) this.#add('-', { table: its?.table, far }, 'no longer in the lake', true);
    else this.#add('-', { table: its?.table, far }, 'never put there by us');
  }

  /** The table in whose folder a path lies. */
  #folderOf(path: string): readonly [string | undefined, TableAt | undefined] {
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
      const its = this.#folders.get(path.slice(0, end));
      if (its !== undefined) return [path.slice(0, end), its];
    }
    return [undefined, undefined];
  }

  #same(table: string, near: LakeFile, far: FarFile): void {
    this.same = { files: this.same.files + 1, size_bytes: this.same.size_bytes + far.size_bytes };
    if (this.#tell_same) this.#add('=', { table, near, far }, 'equal');
  }

  #add(
    mark: MirrorMark,
    about: { readonly table: string | undefined; readonly near?: LakeFile; readonly far?: FarFile },
    why: string,
    ours = false,
  ): void {
    const { table, near, far } = about;
    this.items.push({ mark, path: near?.path ?? far?.path ?? '', table, near, far, why, ours });
  }
}

/** The lake's file is the one that was put, as far as can be told without reading it. */
export function isAsPut(near: LakeFile, known: MirroredFile): boolean {
  if (near.size_bytes !== known.size_bytes) return false;
  return near.sha256 === undefined ? near.modified_ms === known.modified_ms : near.sha256 === known.sha256;
}

/** Tables of which nothing may be put, because the far side holds something else: table → the first reason. */
export function blockedTables(items: readonly MirrorItem[]): ReadonlyMap<string, string> {
  const blocked = new Map<string, string>();
  for (const { mark, table, near, path, why } of items)
    if (mark === '!' && table !== undefined && near?.kind !== 'hint' && !blocked.has(table))
      blocked.set(table, `${path}: ${why}`);
  return blocked;
}

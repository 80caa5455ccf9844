import { closest } from '../../kit/closest.ts';
import { DataflowError, type Place } from '../errors/dataflow-error.ts';
import { CONFIG_LIMITS } from './limits.ts';
import { type ConfigTree, isContainer, type Mark, type Marks, placeAt } from './tree.ts';
import { type EntryBudget, type ParsedFile, parseYaml } from './yaml-tree.ts';

/** Sections that may be spread over files: maps of names. */
export const TABLE_SECTIONS = ['connections', 'sources', 'silver', 'gold', 'streams', 'loads', 'mirrors'] as const;
/** Sections that one file defines for all. */
const SINGLE_SECTIONS = [
  'version',
  'name',
  'include',
  'lake',
  'engine',
  'price',
  'budget',
  'serve',
  'dashboard',
  'metrics',
  'openlineage',
  'alerts',
] as const;
/** Sections of later versions: refused by name, so that nobody believes they work. */
const FUTURE_SECTIONS = ['schedules'] as const;
const SECTIONS: readonly string[] = [...SINGLE_SECTIONS, ...TABLE_SECTIONS];

/** Files while they are being put together. The first one added is the main file. */
export class Assembly {
  readonly problems: DataflowError[] = [];
  readonly warnings: string[] = [];
  readonly files: string[] = [];
  readonly #marks: Marks = new WeakMap();
  readonly #budget: EntryBudget = { left: CONFIG_LIMITS.entries_max };
  readonly #root: Record<string, unknown> = Object.create(null);
  readonly #rootMarks = new Map<string, Mark>();

  constructor() {
    this.#marks.set(this.#root, this.#rootMarks);
  }

  /** Adds one file; problems are collected, never thrown. */
  add(path: string, text: string): void {
    const main = this.files.length === 0;
    this.files.push(path);
    const parsed = parseYaml(path, text, this.#marks, this.#budget);
    this.problems.push(...parsed.problems);
    this.warnings.push(...parsed.warnings);
    if (parsed.value === undefined || parsed.value === null) return;
    if (!isContainer(parsed.value) || Array.isArray(parsed.value)) {
      this.problems.push(
        new DataflowError('E_CONFIG_INVALID', 'expected a map of sections (version, sources, silver, gold, …)', {
          place: { file: path, line: 1, column: 1 },
        }),
      );
      return;
    }
    this.#merge(parsed, parsed.value as Record<string, unknown>, main);
  }

  tree(): ConfigTree {
    return { root: this.#root, marks: this.#marks, file: this.files[0] ?? '' };
  }

  #merge(parsed: ParsedFile, content: Record<string, unknown>, main: boolean): void {
    for (const [section, value] of Object.entries(content)) {
      const mark = this.#marks.get(content)?.get(section);
      if (mark === undefined) continue;
      const place = placeAt(parsed.file, mark.key);
      if (!SECTIONS.includes(section)) this.problems.push(unknownSection(section, place));
      else if (section === 'include' && !main)
        this.problems.push(
          new DataflowError('E_CONFIG_INVALID', 'include: only the main file may include others', { place }),
        );
      else if (value !== null) this.#mergeSection(section, value, mark, main);
    }
  }

  #mergeSection(section: string, value: unknown, mark: Mark, main: boolean): void {
    const known = this.#root[section];
    if (known === undefined) {
      this.#root[section] = value;
      this.#rootMarks.set(section, mark);
      return;
    }
    const isTables = (TABLE_SECTIONS as readonly string[]).includes(section);
    if (isTables && isMap(known) && isMap(value)) {
      for (const name of Object.keys(value)) this.#mergeEntry(section, known, value, name);
    } else if (isTables) {
      this.problems.push(
        new DataflowError(
          'E_CONFIG_INVALID',
          `${section}: expected a map of ${['sources', 'silver', 'gold'].includes(section) ? 'tables' : section}`,
          {
            place: placeAt(mark.file, mark.key),
          },
        ),
      );
    } else if (main || section !== 'version' || value !== known) {
      this.problems.push(twice(section, mark, this.#rootMarks.get(section)));
    }
  }

  #mergeEntry(section: string, into: Record<string, unknown>, from: Record<string, unknown>, name: string): void {
    const mark = this.#marks.get(from)?.get(name);
    const marks = this.#marks.get(into);
    if (mark === undefined || marks === undefined) return;
    if (marks.has(name)) {
      this.problems.push(twice(`${section}.${name}`, mark, marks.get(name)));
      return;
    }
    into[name] = from[name];
    marks.set(name, mark);
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value);
}

function twice(what: string, here: Mark, there: Mark | undefined): DataflowError {
  const first = there === undefined ? undefined : placeAt(there.file, there.key);
  const also = first === undefined ? '' : `: here and at ${first.file}:${first.line}:${first.column}`;
  return new DataflowError('E_CONFIG_INVALID', `${what} is defined twice${also}`, {
    place: placeAt(here.file, here.key),
    hint: 'Keep one of them, or rename it.',
  });
}

function unknownSection(section: string, place: Place): DataflowError {
  if ((FUTURE_SECTIONS as readonly string[]).includes(section)) {
    return new DataflowError('E_CONFIG_INVALID', `${section}: not supported by this version`, {
      place,
      hint: `Remove ${section} for now. Supported: ${SECTIONS.join(', ')}.`,
    });
  }
  const guess = closest(section, SECTIONS);
  const hint = guess === undefined ? `Sections are ${SECTIONS.join(', ')}.` : `Did you mean ${guess}?`;
  return new DataflowError('E_CONFIG_INVALID', `${section}: unknown section`, { place, hint });
}

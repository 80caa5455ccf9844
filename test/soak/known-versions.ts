import type { TableRead } from './lake-reader.ts';

type Tables = Readonly<Record<string, TableRead>>;

/** What each version of each table consisted of, as an independent reader saw it in the lake; of each lake that there was, one after the other. */
export class KnownVersions {
  readonly #lakes: Map<string, Map<string, string>>[] = [new Map()];

  /** From now on it is about another lake. */
  another(): void {
    this.#lakes.push(new Map());
  }

  learn(tables: Tables): void {
    for (const [name, { versions = {} }] of Object.entries(tables)) {
      const lake = this.#lakes.at(-1);
      const known = lake?.get(name) ?? new Map<string, string>();
      lake?.set(name, known);
      for (const [version, digest] of Object.entries(versions)) known.set(version, digest);
    }
  }

  /** Tables of which not all versions are those of one lake: in words. */
  unlike(tables: Tables): readonly string[] {
    return Object.entries(tables).flatMap(([name, { versions = {} }]) => {
      const its = Object.entries(versions);
      const same = this.#lakes.some((lake) =>
        its.every(([version, digest]) => lake.get(name)?.get(version) === digest),
      );
      return same ? [] : [`${name} shows versions ${Object.keys(versions).join(', ')}, not all of one lake`];
    });
  }
}

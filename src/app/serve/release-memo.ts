import type { ServedRelease } from './served-release.ts';

/** What is looked up once a release: it goes when the release does. */
export class ReleaseMemo {
  readonly #looked = new WeakMap<ServedRelease, Map<string, Promise<unknown>>>();

  /** What `work` gave the first time; what failed is tried again by the next one who asks. */
  once<T>(release: ServedRelease, key: string, work: () => Promise<T>): Promise<T> {
    const looked = this.#looked.get(release) ?? new Map<string, Promise<unknown>>();
    this.#looked.set(release, looked);
    const known = looked.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const began = work();
    looked.set(key, began);
    began.catch(() => looked.delete(key));
    return began;
  }
}

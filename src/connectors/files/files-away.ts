import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FilePlace, PlacedFile } from '../../core/ports/file-place.ts';
import type { InputUnit, KnownInput, KnownInputs, SourceContext } from '../../core/ports/source.ts';
import { digestFile } from '../../kit/digest-file.ts';
import type { Digest } from './digests.ts';
import { Fetches } from './fetches.ts';
import { fetchEnds } from './file-ends.ts';
import { findPlaced } from './find-placed.ts';
import type { Finding } from './finding.ts';
import type { FoundOptions } from './options.ts';
import { stampOf } from './stamp.ts';

/** The files of a place that a source reads: found by listing, fetched when they are read. */
export class FilesAway {
  readonly #connection: string;
  readonly #place: FilePlace;
  readonly #fetches: Fetches;
  #listed: ReadonlyMap<string, PlacedFile> = new Map();

  constructor(connection: string, place: FilePlace) {
    this.#connection = connection;
    this.#place = place;
    this.#fetches = new Fetches(place);
  }

  /** @throws DataflowError E_SOURCE_* */
  async find(options: FoundOptions, known: KnownInputs, context: SourceContext): Promise<Finding> {
    const at = { connection: this.#connection, place: this.#place };
    const { finding, files } = await findPlaced(at, options, known, context);
    this.#listed = files;
    this.expect(finding.archives);
    return finding;
  }

  /** These will be read, in this order. */
  expect(units: readonly InputUnit[]): void {
    for (const unit of units) {
      const file = this.#listed.get(unit.uri);
      if (file !== undefined) this.#fetches.expect(stampOf(unit), file);
    }
  }

  /** The copy of a file, or of the archive of a member. @throws DataflowError E_SOURCE_CHANGED, E_LAKE_SPACE, E_SOURCE_* */
  localOf(unit: InputUnit, context: SourceContext): Promise<string> {
    return this.#fetches.take(stampOf(unit), context);
  }

  /** The beginning and the end of a file that stays where it is, and the path by which its place knows it. @throws DataflowError E_SOURCE_* */
  async endsOf(unit: InputUnit, context: SourceContext): Promise<{ readonly uri: string; readonly path: string }> {
    const file = this.#listed.get(unit.uri);
    if (file === undefined)
      throw new DataflowError('E_INTERNAL', `a file is asked for that was not listed: ${unit.uri}`);
    return { uri: await fetchEnds(this.#place, file, context), path: file.path };
  }

  /** Whether a file is still the one that was listed. */
  async unchanged(unit: InputUnit): Promise<boolean> {
    const file = this.#listed.get(unit.uri);
    return file !== undefined && (await this.#place.unchanged(file, undefined));
  }

  /** Fetches the file that is known by a path as it was listed last; undefined when it is gone. */
  async fetchAgain(path: string, context: SourceContext): Promise<string | undefined> {
    const file = this.#listed.get(path);
    if (file === undefined) return undefined;
    this.#fetches.expect(path, file);
    return await this.#fetches.take(path, context);
  }

  /** Removes what {@link fetchAgain} brought. */
  async drop(path: string): Promise<void> {
    await this.#fetches.drop(path);
  }

  /** Hashes of files as they were listed last. */
  async digests(inputs: readonly KnownInput[], context: SourceContext): Promise<ReadonlyMap<string, Digest>> {
    const found = new Map<string, Digest>();
    for (const { path } of inputs) found.set(path, await this.#digest(path, context));
    return found;
  }

  async #digest(path: string, context: SourceContext): Promise<Digest> {
    try {
      const copy = await this.fetchAgain(path, context);
      if (copy === undefined) return { error: 'it is gone from its place' };
      const { sha256, error = 'it cannot be read' } = digestFile(copy, () => undefined);
      await this.#fetches.drop(path);
      return sha256 === undefined ? { error } : { sha256 };
    } catch (error) {
      context.signal?.throwIfAborted();
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }
}

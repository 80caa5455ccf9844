import type { CopyWriter } from '../stream/copy-writer.ts';

/** Two records begin on one line, so lines cannot be their places. */
export class SharedLine extends Error {}

/** Writes records one a line, each on the line where it began in the document, if lines are the places. */
export class RecordLines {
  records = 0;
  first_line = 1;
  blank = 0;
  readonly #copy: CopyWriter;
  readonly #by_line: boolean;
  #last = 0;

  constructor(copy: CopyWriter, by_line: boolean) {
    this.#copy = copy;
    this.#by_line = by_line;
  }

  /** @throws SharedLine */
  record(line: number, json: string): void {
    const place = this.#by_line ? line : this.#last + 1;
    if (place <= this.#last) throw new SharedLine();
    const blank = place - this.#last - 1;
    if (this.records === 0) this.first_line = place;
    else this.blank += blank;
    this.#copy.write(`${'\n'.repeat(blank)}${json}\n`);
    this.#last = place;
    this.records += 1;
  }
}

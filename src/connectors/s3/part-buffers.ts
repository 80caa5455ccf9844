/** Smaller ones are not worth keeping. */
const KEPT_BYTES_MIN = 8 * 1024 * 1024;
const KEPT_MAX = 8;

/**
 * Memory of parts that went out, for parts to come: fresh memory has to be cleared by the system each time, and so much of it drives the collector of
 * garbage through everything else.
 */
export class PartBuffers {
  readonly #free: ArrayBuffer[] = [];

  take(length: number): Buffer {
    const index = this.#free.findIndex(({ byteLength }) => byteLength >= length && length >= KEPT_BYTES_MIN);
    const [found] = index < 0 ? [] : this.#free.splice(index, 1);
    return found === undefined ? Buffer.allocUnsafeSlow(length) : Buffer.from(found, 0, length);
  }

  /** Nobody reads or sends it any more. */
  give({ buffer }: Buffer): void {
    if (buffer instanceof ArrayBuffer && buffer.byteLength >= KEPT_BYTES_MIN && this.#free.length < KEPT_MAX)
      this.#free.push(buffer);
  }
}

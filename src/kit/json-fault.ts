/** The document is not whole or not JSON. */
export class JsonFault extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.name = 'JsonFault';
    this.offset = offset;
  }
}

export function emptyJson(offset: number): JsonFault {
  return new JsonFault('it is empty', offset);
}

export function strayEnd(offset: number): JsonFault {
  return new JsonFault('something stands after the end of the JSON', offset);
}

export function cutOff(offset: number): JsonFault {
  return new JsonFault('it ends before the JSON does; it was cut off', offset);
}

export function misplaced(bytes: Uint8Array, at: number): JsonFault {
  const shown = JSON.stringify(textOf(bytes, at, Math.min(bytes.length, at + 12)));
  return new JsonFault(`${shown} stands where JSON does not allow it`, at);
}

/** Bytes as text. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

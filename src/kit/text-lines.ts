/** Text that came in pieces, line by line, without the line breaks. @throws RangeError for a line that is longer than `bytes_max` */
export async function* textLines(
  pieces: AsyncGenerator<Uint8Array, unknown, void>,
  bytes_max: number,
): AsyncGenerator<string, void, void> {
  let rest: Buffer[] = [];
  let rest_bytes = 0;
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const last = bytes.lastIndexOf(10);
    if (last >= 0) {
      const text = Buffer.concat([...rest, bytes.subarray(0, last)]).toString('utf8');
      [rest, rest_bytes] = [[], 0];
      yield* text.split('\n');
    }
    // What goes on is kept: the piece itself may be used again by whoever gave it.
    if (last + 1 < bytes.length) rest.push(Buffer.from(bytes.subarray(last + 1)));
    rest_bytes += bytes.length - last - 1;
    if (rest_bytes > bytes_max) throw new RangeError(`a line is longer than ${bytes_max} bytes`);
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8');
}

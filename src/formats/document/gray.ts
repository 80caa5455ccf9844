/** Pixels (four bytes each) on white paper as a picture of the simplest kind, in grey: no packing and unpacking between us and the recogniser. */
export function grayPicture(pixels: Uint8Array | Uint8ClampedArray, width: number, height: number): Buffer {
  const head = Buffer.from(`P5\n${width} ${height}\n255\n`, 'latin1');
  const picture = Buffer.allocUnsafe(head.length + width * height);
  head.copy(picture);
  for (let from = 0, to = head.length; to < picture.length; from += 4, to++) {
    const [red = 0, green = 0, blue = 0, opaque = 255] = [
      pixels[from],
      pixels[from + 1],
      pixels[from + 2],
      pixels[from + 3],
    ];
    const grey = (red * 77 + green * 150 + blue * 29) >> 8;
    picture[to] = opaque === 255 ? grey : 255 - (((255 - grey) * opaque) >> 8);
  }
  return picture;
}

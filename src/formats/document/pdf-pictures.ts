/** What a page draws, in order. */
interface Operators {
  readonly fnArray: readonly number[];
  readonly argsArray: readonly unknown[];
}

/** Horizontal and vertical scale with shear: the part of a transformation that decides areas. */
type Scale = readonly [a: number, b: number, c: number, d: number];

const PICTURES = [
  'paintImageXObject',
  'paintInlineImageXObject',
  'paintImageMaskXObject',
  'paintImageXObjectRepeat',
  'paintInlineImageXObjectGroup',
  'paintImageMaskXObjectGroup',
  'paintImageMaskXObjectRepeat',
];

/** The area that pictures take on a page, in square points; overlapping ones count twice. A picture is the unit square under the transformation in force. */
export function picturesArea({ fnArray, argsArray }: Operators, codes: Readonly<Record<string, number>>): number {
  const pictures = new Set(PICTURES.map((name) => codes[name]));
  const stack: Scale[] = [];
  let scale: Scale = [1, 0, 0, 1];
  let area = 0;
  for (const [index, code] of fnArray.entries()) {
    const values = argsArray[index];
    if (code === codes['save']) stack.push(scale);
    else if (code === codes['restore'] || code === codes['paintFormXObjectEnd']) scale = stack.pop() ?? scale;
    else if (code === codes['transform']) scale = under(scale, values);
    else if (code === codes['paintFormXObjectBegin']) {
      stack.push(scale);
      scale = under(scale, (values as readonly unknown[])[0]);
    } else if (pictures.has(code)) area += Math.abs(scale[0] * scale[3] - scale[1] * scale[2]);
  }
  return area;
}

function under([a, b, c, d]: Scale, matrix: unknown): Scale {
  if (!Array.isArray(matrix) && !ArrayBuffer.isView(matrix)) return [a, b, c, d];
  const [e = 1, f = 0, g = 0, h = 1] = matrix as unknown as readonly number[];
  return [a * e + c * f, b * e + d * f, a * g + c * h, b * g + d * h];
}

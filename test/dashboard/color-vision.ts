/**
 * How far colours are apart for people who see all of them, no red, no green or no blue: distance in OKLab after the simulation of
 * G. M. Machado, M. M. Oliveira, L. A. F. Fernandes (2009), severity 1.
 */
type Vector = readonly [number, number, number];
type Matrix = readonly [Vector, Vector, Vector];

const EYES: readonly Matrix[] = [
  [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
];

const TO_LMS: Matrix = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const TO_LAB: Matrix = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

function times(matrix: Matrix, [a, b, c]: Vector): Vector {
  const [x, y, z] = matrix.map((row) => row[0] * a + row[1] * b + row[2] * c);
  return [x ?? 0, y ?? 0, z ?? 0];
}

function linear(hex: string): Vector {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return [r ?? 0, g ?? 0, b ?? 0];
}

function seen(hex: string, eye: Matrix): Vector {
  const [r, g, b] = times(eye, linear(hex)).map((one) => Math.min(1, Math.max(0, one)));
  const [l, m, s] = times(TO_LMS, [r ?? 0, g ?? 0, b ?? 0]).map(Math.cbrt);
  return times(TO_LAB, [l ?? 0, m ?? 0, s ?? 0]);
}

/** The distance of the two colours that are hardest to tell apart, for the eye that tells them worst. */
export function nearest(colors: readonly string[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const eye of EYES)
    for (const [i, one] of colors.entries())
      for (const other of colors.slice(0, i)) {
        const [a, b] = [seen(one, eye), seen(other, eye)];
        least = Math.min(least, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
      }
  return least;
}

import type { Project } from '../../core/model/project.ts';
import type { Readiness } from '../../core/ports/source.ts';
import type { Rooms } from '../rooms.ts';

/** A scan in black and white that says `INVOICE 4711`, `TOTAL 128.40`: a PNG. */
export const SCAN = Buffer.from(
  [
    'iVBORw0KGgoAAAANSUhEUgAAAWgAAACWAQAAAADbcS+lAAACfUlEQVR42u3Xv27bMBAGcBoaNArdOpVDXyJTbuyD9CUyBKCL',
    'DOoQRGu3vooKDRz7Cnb5AhSyXNEDv+ZkO1FcSmnalTYM+M/PAMH7jjoZvOZhii666KKLfq1udwgejB5CqGD0y5ZNjRpiM9qF',
    'AQxjhdi4Sdds6lijz+uAUUwttDNWdaplWZNqphuhb8kqSDXQjR4+r0fsIwahFl8VyAeggwcy+ocNI/QPQt0BsAeaBR1siAh7',
    'RKHmAH5OcEF3gTEEsJA9gPEl7ef63iPRkvaBnR/AcnnUYV2L6zz4+pIAswG817ou6HCuv3uIW9aJmrnu1vQYEtmTVqAf1rR9',
    'pkkzuaQ54J2d7Ukij7iqabbfyRiMi1o+4u5Mu1V962Y5Ub1f1Ok9bt08g/AIy7pC7+b5XtV40Jj3DrzSNT3vy0mzod7k9A32',
    'eNbzHi3Y2BU9P088ugVdTuSiiy666KL/S4sxlq0YQy0Gne4In4AKQMzMsar7SvXNpLckxrH+skOsc3q7mWs2FI1Tvav+WHci',
    'NFEno2rSd8TJRiG9JA77jE6WnTi8mXSiX2j2iYDP8DGjRZ9PGuhCssAXtJzTbnpdnOm36NhltT3XhHSBTjKaHaw4uXrSuu50',
    'taAx6Wt30k1kB/lbbbU6zGiWNQsddbJp86JOJy1afIyrOj5qdqMQ7lf1mOxRR+gOhnWNkx4R9LaB1/Z7Z046TLo3TVYfarkz',
    'zVF7DOua5rp71NmcTBn0aI/aTisB5zN4yLeHP2hdeZp0Nt+H3mlPWpyOyy043zvYbiCuw9Abfc+micapzvdlX006PGo2Oshm',
    'en4qtX3QzUyjmnTmvricyEUXXXTRRf+z/g3xWZ/CFZEZsgAAAABJRU5ErkJggg==',
  ].join(''),
  'base64',
);
export const SCAN_TOTAL = '128.40';

/** The project with an inbox of scans: a file of its own, because what reads them is installed apart. */
export const SCANS_TEXT = `include: [pipelines.yaml]
sources:
  scans:
    type: documents
    path: scans/*.png
    languages: [eng]
    fields: { total: 'TOTAL\\s+([0-9.]+)' }
    settle_seconds: 0
`;

/** Whether scans can be read here. */
export async function canReadScans(rooms: Rooms, project: Project): Promise<Readiness> {
  const spec = project.sources['scans'];
  const source = spec === undefined ? undefined : await rooms.createSource(spec, project);
  return (await source?.ready?.()) ?? { ok: true, words: '' };
}

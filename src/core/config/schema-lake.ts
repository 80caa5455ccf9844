import * as z from 'zod/mini';
import { sizeText } from './schema-cost.ts';

/** `lake:` */
export function lakeSchema() {
  const folder = (layer: string) =>
    z
      ._default(
        z
          .string()
          .check(z.refine(isFolderName, 'a folder name is letters, digits, _, . and -, and starts with a letter')),
        layer,
      )
      .check(z.meta({ description: `Folder of the ${layer} layer.` }));
  const layers = z
    .strictObject({ bronze: folder('bronze'), silver: folder('silver'), gold: folder('gold') })
    .check(
      z.refine(
        (names) => new Set(Object.values(names).map((name) => name.toLowerCase())).size === 3,
        'the three layers need three different folders',
      ),
    );
  const days = (value: number, text: string) =>
    z._default(z.int().check(z.gte(0), z.lte(100_000)), value).check(z.meta({ description: text }));
  const keep = z.strictObject({
    versions_days: days(30, 'Days for which old versions of tables can be read.'),
    quarantine_days: days(
      90,
      'Days for which rejected rows are kept after a decision about them was carried out; open rows are kept for ever.',
    ),
    raw_days: z.optional(z.int().check(z.gte(0), z.lte(100_000))).check(
      z.meta({
        description:
          'Days for which kept responses (`keep_raw`) stay, besides those that a version was made from which can be read. Default: those of a source that is taken whole as long as versions; those of a source that adds for ever, since its table is only made anew from all of them. Kept originals of documents (`type: documents`) go after as many days; default: as long as the document is known.',
        samples: [365],
      }),
    ),
  });
  const url = z._default(
    z.string().check(z.minLength(1), z.refine(isLakeUrl, 'expected a folder, hdfs://… or s3://…')),
    './lake',
  );
  const lake = z.strictObject({
    url: url.check(
      z.meta({
        description: 'Where the lake is: a folder relative to the configuration file, `hdfs://…` or `s3://…`.',
        samples: ['./lake'],
      }),
    ),
    connection: z.optional(z.string().check(z.minLength(1))).check(
      z.meta({
        description:
          'The entry of `connections` that leads to a lake in `s3://…` or `hdfs://…`. Default: the only one whose bucket is that of `url`; for HDFS, the only one.',
        samples: ['objects'],
      }),
    ),
    cache_limit: z.optional(sizeText).check(
      z.meta({
        description:
          'How much of a lake in `s3://…` or `hdfs://…` is kept on this machine for the engine; beyond it the files that were used least recently go. What one command needs is brought, whatever the limit says. Default: 20GB.',
        samples: ['20GB'],
      }),
    ),
    layers: z.prefault(layers, {}).check(
      z.meta({
        description: 'Folder names of the layers. The layers themselves stay bronze, silver and gold in SQL.',
        samples: [{ bronze: 'raw', silver: 'clean', gold: 'curated' }],
      }),
    ),
    keep: z.prefault(keep, {}).check(z.meta({ description: 'How long old versions and rejected rows are kept.' })),
  });
  return z.prefault(lake, {}).check(z.meta({ description: 'Where the tables are kept.' }));
}

function isFolderName(name: string): boolean {
  return /^[A-Za-z][\w.-]{0,62}$/.test(name) && name.toLowerCase() !== 'quarantine' && !name.endsWith('.');
}

function isLakeUrl(url: string): boolean {
  return !url.includes('\0') && (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url) || /^(hdfs|s3|file):\/\//i.test(url));
}

import * as z from 'zod/mini';
import type { MirrorSpec } from '../model/mirror.ts';
import { connectionName, description, uniqueByCase } from './fields.ts';

const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

const pattern = z
  .string()
  .check(
    z.refine(
      (text) => text === '*' || /^(bronze|silver|gold)\.[A-Za-z0-9_*]{1,63}$/.test(text),
      'expected a table such as gold.dim_clients, or a pattern such as gold.* or *',
    ),
  );

const path = z.string().check(
  z.maxLength(512),
  z.refine((text) => {
    const parts = text.replace(/^\/|\/$/g, '').split('/');
    return (
      text === '/' || parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\0-\x1f:\\]/.test(part))
    );
  }, 'expected a path such as lakes/retail, or / for the place itself'),
);

/** One entry of `mirrors:`. */
function mirrorSchema(): z.ZodMiniType<MirrorSpec> {
  const schema = z.strictObject({
    connection: z.string().check(z.minLength(1), meta('Name of an entry of `connections:`.', 'objects')),
    tables: z
      ._default(z.array(pattern).check(z.minLength(1), z.maxLength(1000)), ['*'])
      .check(meta('Tables to copy, or patterns of their names.', ['gold.*'])),
    path: z.optional(
      path.check(
        meta(
          'Folder of the connection’s place that the lake is copied into; by default the project’s name. `/` is the place itself.',
          'lakes/retail',
        ),
      ),
    ),
    quarantine: z._default(z.boolean(), true).check(meta('Also copy the rejected rows of these tables.')),
    delete: z
      ._default(z.boolean(), false)
      .check(
        meta(
          'Whether files that the lake no longer has are removed there, too, once no release needs them. Otherwise a mirror only grows.',
        ),
      ),
    max_delete_pct: z
      ._default(z.number().check(z.minimum(0), z.maximum(100)), 50)
      .check(meta('A sync that would remove a larger part of the mirrored files than this is refused.')),
    concurrency: z
      ._default(z.int().check(z.minimum(1), z.maximum(64)), 32)
      .check(meta('Files on their way at once, at most; fewer when the other side is overloaded.')),
    description,
  });
  return schema as unknown as z.ZodMiniType<MirrorSpec>;
}

/** `mirrors:` */
export function mirrorsSchema(): z.ZodMiniType<Record<string, MirrorSpec>> {
  return z
    ._default(uniqueByCase(z.record(connectionName, mirrorSchema()), 'mirror'), {})
    .check(meta('Storages elsewhere that the lake is copied to, release by release: `dataflow sync`.'));
}

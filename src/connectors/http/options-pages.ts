import * as z from 'zod/mini';
import { parseJsonPath } from '../../kit/json-path.ts';

const describe = (description: string, ...samples: unknown[]) =>
  z.meta({ description, ...(samples.length > 0 ? { samples } : {}) });
const name = z.string().check(z.minLength(1), z.maxLength(200));
const path = name.check(z.refine((text) => parseJsonPath(text) !== undefined, 'expected a path such as $.meta.next'));

/** `pages:` How to come from one page to the next. */
export const pagesSchema = z
  .strictObject({
    style: z
      .enum(['page', 'offset', 'cursor', 'link'])
      .check(
        describe(
          '`page`: a number that is counted up; `offset`: the number of records before; `cursor`: a token from the response; `link`: an address from the `Link` header (rel=next) or from `next`.',
        ),
      ),
    param: z.optional(
      name.check(describe('Parameter of the page, offset or cursor. Default: `page`, `offset`, `cursor`.', 'page')),
    ),
    size: z.optional(z.int().check(z.minimum(1), z.maximum(10_000_000), describe('Records to ask for per page.', 200))),
    size_param: z._default(name.check(describe('Parameter of `size`.', 'per_page')), 'limit'),
    first: z.optional(
      z
        .int()
        .check(z.minimum(0), z.maximum(1_000_000), describe('Number of the first page. Default: 1, for `offset` 0.')),
    ),
    next: z.optional(
      path.check(
        describe(
          'JSON: where the next cursor, or for `link` the next address, stands. Nothing there is the end.',
          '$.next_cursor',
        ),
      ),
    ),
    has_more: z.optional(
      path.check(describe('JSON: where `true` or `false` says whether there is more.', '$.has_more')),
    ),
    total: z.optional(path.check(describe('JSON: where the number of all records stands.', '$.total'))),
    in: z._default(
      z.enum(['query', 'body']).check(describe('Where the parameters go: into the query, or into the body of a POST.')),
      'query',
    ),
    end: z._default(
      z
        .enum(['empty', 'short', 'not_found', 'repeated'])
        .check(
          describe(
            '`page` and `offset` without `total` and `has_more`: what tells the end. `empty`: pages without records (see `empty_max`); `short`: fewer than `size`; `not_found`: status 404; `repeated`: the last page once more.',
          ),
        ),
      'empty',
    ),
    empty_max: z._default(
      z
        .int()
        .check(
          z.minimum(1),
          z.maximum(10_000),
          describe(
            'So many pages in a row without records are the end for `page` and `offset`, and a fault for `cursor` and `link`.',
          ),
        ),
      2,
    ),
    max: z._default(
      z
        .int()
        .check(z.minimum(1), z.maximum(100_000_000), describe('More pages than this in one sequence are a fault.')),
      100_000,
    ),
  })
  .check(
    z.refine((pages) => pages.style !== 'cursor' || pages.next !== undefined, {
      message: 'style: cursor needs next, the place of the next cursor',
      path: ['next'],
    }),
    z.refine((pages) => pages.end !== 'short' || pages.size !== undefined, {
      message: 'end: short needs size',
      path: ['end'],
    }),
    z.refine((pages) => pages.next === undefined || pages.style === 'cursor' || pages.style === 'link', {
      message: 'is for style: cursor and style: link',
      path: ['next'],
    }),
  );

export type PagesOptions = z.output<typeof pagesSchema>;

import * as z from 'zod/mini';
import { requestFields, webAddress } from './options.ts';

/** Options of `lookup: http`. */
export const schema = z
  .strictObject({
    ...requestFields,
    url: webAddress.check(
      z.meta({
        description: 'Address; `{column}` in its path or query stands for the value of that column of the row.',
        samples: ['${PAYS_API}/pays/{pays}'],
      }),
    ),
    query: z.clone(requestFields.query).check(z.meta({ description: 'Query parameters; `{column}` as in `url`.' })),
    max_response_bytes: z.clone(requestFields.max_response_bytes).check(
      z.meta({
        description: 'A larger response is refused, before and after decompression. A response is held in memory.',
      }),
    ),
    body: z
      .clone(requestFields.body)
      .check(
        z.meta({ description: 'POST: a text, or a map that is sent as JSON; `{column}` in its texts as in `url`.' }),
      ),
  })
  .check(
    z.refine(({ method, body }) => method === 'POST' || body === undefined, {
      message: 'needs method: POST',
      path: ['body'],
    }),
  );

export type HttpLookupOptions = z.output<typeof schema>;

import { createHash } from 'node:crypto';
import type { LookupComponent } from '../../core/ports/lookup.ts';
import { parseJsonPath } from '../../kit/json-path.ts';
import { placeholdersIn } from './ask.ts';
import { type HttpLookupOptions, schema } from './lookup-options.ts';

/** One request for each distinct key: `lookup: http`. What asks it is loaded when it is asked. */
export const component: LookupComponent<HttpLookupOptions> = {
  type: 'http',
  summary: 'An API over HTTP is asked once for each distinct key; values are picked from its JSON answers.',
  schema,
  columnsOf: ({ url, query, headers, body }) => placeholdersIn([url, query, headers, body]),
  questionOf,
  placeProblem: (place) =>
    parseJsonPath(place) === undefined ? 'expected a path into the answer, such as $.region' : undefined,
  open: async (options) => (await import('./open-lookup.ts')).openHttpLookup(options),
};

/** The path is told; the rest as a digest, for secrets may stand in it. The host may move, as that of a source. */
function questionOf({ method, url, query, headers, body }: HttpLookupOptions): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '');
  const [shown = ''] = path.split(/[?#]/);
  const rest = [path.slice(shown.length), query, headers, body ?? null];
  const digest = createHash('sha256').update(JSON.stringify(rest)).digest('base64url').slice(0, 16);
  return `${method} ${shown === '' ? '/' : shown} ${digest}`;
}

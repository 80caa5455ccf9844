import type { PulledSourceComponent } from '../../core/ports/source-component.ts';
import { type HttpOptions, schema } from './options.ts';

/** An API over HTTP: `type: http`. What asks it is loaded when it is asked. */
export const component: PulledSourceComponent<HttpOptions> = {
  type: 'http',
  summary: 'An API over HTTP: pages, sign-in, JSON, NDJSON or CSV, only what is new, politely.',
  schema,
  open: async (options) => (await import('./open-http.ts')).openHttp(options),
};

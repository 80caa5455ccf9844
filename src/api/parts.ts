import type { PipelinePages } from '../app/pipeline/pages.ts';
import type { Answers } from '../app/serve/answers.ts';
import type { DashboardAnswers } from '../app/serve/dashboard/dashboard-answers.ts';
import type { ServerEvents } from '../app/serve/events.ts';
import type { RouteAnswers } from '../app/serve/routes.ts';
import type { Metrics } from './metrics.ts';
import type { Reader, Recognise } from './readers.ts';
import type { Sender } from './send.ts';

/** What the parts of the server work with. */
export interface Parts extends Sender {
  readonly answers: Answers;
  readonly routes: RouteAnswers;
  readonly dashboard: DashboardAnswers;
  readonly events: ServerEvents;
  readonly pipeline: PipelinePages;
  readonly metrics: Metrics;
  readonly recognise: Recognise;
  /** Of dataflow itself. */
  readonly version: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, once he was recognised. */
    reader?: Reader;
    began_ms: number;
    /** What went wrong inside, for the log. */
    failure?: string;
  }
}

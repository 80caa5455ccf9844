import type { CommandSpec } from '../command-spec.ts';
import { configurePublish } from './stream-publish.ts';

export const spec: CommandSpec = {
  name: 'stream',
  summary: 'Send tables to topics, each row once per key and version',
  group: 'Work',
  configure(command) {
    configurePublish(command);
  },
  load: async () => (await import('../runners/stream.ts')).stream,
};

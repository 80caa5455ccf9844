import type { CommandSpec } from '../command-spec.ts';
import { configurePublish } from './stream-publish.ts';

export const spec: CommandSpec = {
  name: 'stream',
  summary: 'Take sources batch by batch as a service; send tables to topics',
  group: 'Work',
  logs: true,
  configure(command) {
    command
      .command('run')
      .description(
        'a service: batches as they come, what depends on them, then streams: of it; SIGTERM finishes the batch',
      )
      .argument('[source...]', 'sources to take (default: all that are asked)')
      .option('--every <duration>', 'pause after a round in which nothing was new', '1s')
      .option('--no-publish', 'take only; do not send tables to the topics of streams:')
      .option('--for <duration>', 'end by itself after this time');
    command
      .command('status')
      .description('how far each source is, what waits there, and how fast it was taken')
      .argument('[source...]', 'sources to show (default: all that are asked)');
    configurePublish(command);
  },
  load: async () => (await import('../runners/stream.ts')).stream,
};

import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'alerts',
  summary: 'Tell what alerts: is about, fit for cron; or try whether messages arrive',
  group: 'Care',
  configure(command) {
    command
      .command('check')
      .description(
        'look at runs, tables, quarantine and destinations, and tell what is new; each run does this at its end',
      );
    command.command('test').description('send a message to every entry of alerts:');
  },
  load: async () => (await import('../runners/alerts.ts')).alerts,
};

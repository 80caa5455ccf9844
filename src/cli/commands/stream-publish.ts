import type { Command } from 'commander';

/** `stream publish`. */
export function configurePublish(command: Command): void {
  command
    .command('publish')
    .description('send the rows of a table that are new or changed to its topic, each once a version')
    .argument('<name>', 'an entry of streams:')
    .option('--full', 'publish all rows again')
    .option('--dry-run', 'print what would be sent; change nothing');
}

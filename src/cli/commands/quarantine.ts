import type { Command } from 'commander';
import type { CommandSpec } from '../command-spec.ts';

export const spec: CommandSpec = {
  name: 'quarantine',
  summary: 'Rejected rows and files: list, show, export, fix, replay or discard them',
  group: 'Look',
  configure(command) {
    filtered(command.command('list', { isDefault: true }), 'what was rejected, by table, rule, file and run')
      .argument('[table]', 'a table such as silver.achats')
      .option('--state <state>', 'open, pending, fixed, replayed, discarded, undone or all', 'open');
    filtered(command.command('show'), 'rejected rows of a table, or everything about one row')
      .argument('<table|id>', 'a table, or a quarantine id (its beginning will do)')
      .option('--limit <rows>', 'at most this many rows', '100');
    filtered(command.command('export'), 'write rejected rows to a file, to be mended there')
      .argument('<table>', 'a table such as silver.achats')
      .requiredOption('--to <file>', 'the file: .csv, .ndjson or .parquet')
      .option('--force', 'replace the file');
    reopening(deciding(command.command('fix'), 'correct rejected rows and send them again'))
      .option('--from <file>', 'an edited export: changed cells are the corrections')
      .option('--encoding <name>', 'of the edited export: auto, utf-8, utf-16, latin-1 or windows-1252', 'auto')
      .option('--set <assignment...>', "a new value by SQL, such as \"prix = replace(prix, ',', '.')\"")
      .addHelpText(
        'after',
        "\nExamples:\n  dataflow quarantine fix silver.achats --from rows.csv\n  dataflow quarantine fix silver.achats --rule montant_valide --dry-run \\\n    --set \"montant = replace(montant, ',', '.')\"",
      );
    reopening(deciding(command.command('replay'), "send rejected rows and refused files again, through today's rules"));
    deciding(command.command('discard'), 'put rejected rows away for good').requiredOption(
      '--reason <text>',
      'why, for the record',
    );
  },
  load: async () => (await import('../runners/quarantine.ts')).quarantine,
};

function filtered(command: Command, description: string): Command {
  return command
    .description(description)
    .option('--rule <name>', 'only rows that broke this rule')
    .option('--file <path>', 'only rows of this file')
    .option('--run <id>', 'only rows that this run put aside');
}

function reopening(command: Command): Command {
  return command.option('--discarded', 'rows that were discarded, which takes that back, instead of open ones');
}

function deciding(command: Command, description: string): Command {
  return filtered(command, description)
    .argument('<table>', 'a table such as silver.achats')
    .option('--id <id>', 'only the row of this quarantine id')
    .option('--dry-run', 'print what would be done; change nothing');
}

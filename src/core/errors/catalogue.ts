import { type CatalogueEntry, entry } from './entry.ts';
import { SERVE_CODES } from './serve-codes.ts';

/** Every code that dataflow prints; `docs/reference/errors.md` is generated from it. Keep it sorted by room. */
export const CATALOGUE = {
  // configuration and usage
  E_USAGE: entry('Wrong use of the command line', 'See `dataflow help`.', 2),
  E_OUTPUT: entry('Output cannot be written', 'Check where standard output goes and whether there is space.', 1),
  E_CONFIG_NOT_FOUND: entry('No pipelines.yaml', 'Run `dataflow init`, or name the file with --config.', 2),
  E_CONFIG_SYNTAX: entry('YAML syntax error', 'Mend the YAML at the place shown.', 2),
  E_CONFIG_INVALID: entry('Invalid configuration', 'See docs/reference/pipelines.md for the allowed values.', 2),
  E_CONFIG_LIMIT: entry('Configuration over a limit', 'Reduce nesting, aliases or size.', 2),
  E_CONFIG_REFERENCE: entry('Unknown name in the configuration', 'Define it, or correct the name.', 2),
  E_CONFIG_CYCLE: entry(
    'Tables depend on each other in a circle',
    'Break the circle by splitting one of the tables.',
    2,
  ),
  E_SECRET_UNSET: entry('Environment variable is not set', 'Set it, or give a default with ${NAME:-default}.', 2),
  E_SELECTION: entry('Selection matches nothing', 'See the names with `dataflow plan --all`.', 2),
  // input
  E_SOURCE_IO: entry('Input cannot be read', 'Check the path and the permissions, then run again.', 5, true),
  E_PACKAGE_MISSING: entry(
    'A package that is installed apart is not there',
    'See `dataflow doctor` for the command that installs it.',
    2,
  ),
  E_SOURCE_CHANGED: entry('Input changed while it was read', 'Run again when nobody writes to it.', 5, true),
  E_SOURCE_UNREACHABLE: entry(
    'A system cannot be reached, or the connection broke',
    'Check address, port and network, then run again: what was sealed is not asked for again.',
    5,
    true,
  ),
  E_SOURCE_DENIED: entry(
    'A system refuses the login or the permission',
    'Check user, password and rights on what is read.',
    1,
  ),
  E_SOURCE_QUERY: entry(
    'A system does not understand what is asked of it',
    'Check the names of table, columns, collection or topic, and the query.',
    1,
  ),
  E_SOURCE_TIMEOUT: entry('A system took too long', 'Run again, or raise the time that the source allows.', 5, true),
  E_SOURCE_CURSOR: entry('A cursor cannot be followed', 'Name another column, another overlap or a key.', 1),
  E_SOURCE_LOST: entry(
    'What comes next is no longer there',
    'The system dropped its history. Take what there is now with --full-refresh --force.',
    1,
  ),
  E_SOURCE_REWRITTEN: entry(
    'A loaded file has new content',
    'Set `on_rewrite: replace` or `append`, or restore the file.',
    1,
  ),
  E_SOURCE_GONE: entry(
    'Most loaded files are gone',
    'Check that the folder is there and `path:` is right; if the files were deleted on purpose, run with --allow-missing.',
    5,
  ),
  E_SCHEMA_CHANGED: entry(
    'Columns of the source changed',
    'Adapt `columns:`, then load the files again with --full-refresh.',
    1,
  ),
  E_REJECTS_LIMIT: entry(
    'Too many rejected records',
    'Look at them with `dataflow quarantine`, then raise the limit or fix the source.',
    1,
  ),
  // sources that are asked over HTTP
  E_HTTP_WAIT: entry(
    'The API wants to be left alone for longer than allowed',
    'Run again after that time, or raise `retry.max_wait_ms` and `retry.budget_ms`.',
    5,
    true,
  ),
  E_HTTP_BODY: entry(
    'The answers of the API are damaged or of another kind',
    'Look at what it answers; check `format:` and `records:`. Nothing of the damaged answer was taken.',
    5,
    true,
  ),
  E_HTTP_PAGING: entry('The pages of the API lead nowhere', 'Check `pages:` against the documentation of the API.', 1),
  E_LOOKUP_FAILED: entry(
    'Most keys of a lookup have no answer',
    'Check `url:` and `add:` against what the API answers. If so many keys really have none, raise `failed_max_pct`.',
    1,
  ),
  E_LOOKUP_AMBIGUOUS: entry(
    'A lookup table has several rows for one key',
    'Give the table a `key:`, or name more columns in `on:`, so that one row of it is meant.',
    1,
  ),
  E_OUTBOUND: entry(
    'The rules for going out forbid this address',
    'Set `allow_private: true` or name the host in `allow_hosts`, if it is meant.',
    1,
  ),
  E_STREAM_POSITION: entry(
    'Where a stream stands is not where its table stands',
    'Publish everything again with `dataflow stream publish NAME --full`.',
    1,
  ),
  E_LOAD_CHANGED: entry(
    'A destination is not as it was left',
    'See what is different with `dataflow load status NAME`; `dataflow load NAME --full-refresh` makes its tables anew.',
    1,
  ),
  E_LOAD_SCHEMA: entry(
    'A table of a destination cannot take these columns',
    'Nothing is dropped silently: `dataflow load NAME --full-refresh` makes the table anew.',
    1,
  ),
  E_LOAD_REFUSED: entry('A destination refused a row', 'Mend the row or the rule that refuses it, then load again.', 1),
  E_LOAD_UNREACHABLE: entry('A destination cannot be reached', 'Check that it runs, then load again.', 5, true),
  E_LOAD_DENIED: entry('A destination refused us', 'Check user, password and rights of the connection.', 1),
  E_LOAD_CONFLICT: entry('Another writer was at the destination', 'Load again.', 5, true),
  E_LOAD_UNKNOWN: entry(
    'Whether a load was committed is not known',
    'Load again when the destination answers: it is looked up first.',
    5,
    true,
  ),
  E_LOAD_BALANCE: entry(
    'A destination does not hold what was sent',
    'Nothing was committed. See whether triggers or rules of the destination change rows.',
    1,
  ),
  E_LOAD_FAILED: entry('A destination failed', 'See the message of the destination.', 1),
  E_EXPORT_LIMIT: entry('More than a kind of file can hold', 'Export it as csv or parquet.', 1),
  // engine and SQL
  E_SQL: entry('SQL is wrong', 'Mend the SQL at the place shown.', 1),
  E_SQL_SANDBOX: entry(
    'SQL reaches outside the lake',
    'Only tables of the lake can be read: bronze.x, silver.y, gold.z.',
    2,
  ),
  E_ENGINE: entry('The engine failed', 'Run again with --verbose; if it persists, report it.', 1),
  E_ENGINE_MEMORY: entry('The engine ran out of memory', 'Raise engine.memory_limit or lower engine.threads.', 5, true),
  E_ENGINE_LOST: entry(
    'The engine ended by an error of its own',
    'Run again with --verbose; if it persists, report it.',
    5,
    true,
  ),
  E_READER: entry(
    'A file could not be read safely',
    'Look at the file; raise `limits:` of its source if it is sound.',
    1,
  ),
  E_ENGINE_DIALECT: entry(
    'A query cannot be put into the SQL of the engine',
    'Change what the message names, or write the query for that engine beside the other: `sql: { duckdb: …, spark: … }`. `dataflow validate --engine spark` looks at all models.',
    2,
  ),
  E_ENGINE_UNREACHABLE: entry(
    'An engine on another machine cannot be reached',
    'Check address, port and network, and whether the server runs, then run again.',
    5,
    true,
  ),
  E_ENGINE_DENIED: entry('An engine refuses the sign-in', 'Check the token and what the user may do.', 1),
  E_ENGINE_SESSION: entry(
    'An engine has lost the session',
    'Run again: the server was started anew, or forgot us.',
    5,
    true,
  ),
  E_ENGINE_INTERRUPTED: entry('The engine was interrupted', 'Run again.', 5, true),
  E_TYPE_UNSUPPORTED: entry('A type the lake cannot store', 'Cast the column to a storable type.', 1),
  // lake
  E_LAKE_IO: entry('The lake cannot be read or written', 'Check free space and permissions, then run again.', 5, true),
  E_LAKE_CONFLICT: entry('Another writer changed the table', 'Run again.', 5, true),
  E_LAKE_CORRUPT: entry(
    'A table of the lake is damaged',
    'Let `dataflow verify` say what is damaged and how to restore it.',
    1,
  ),
  E_LAKE_FEATURE: entry('The table needs a feature we lack', 'Rewrite the table without the feature named.', 1),
  E_LAKE_NO_TABLE: entry('No such table', 'See the tables with `dataflow status`.', 2),
  E_LAKE_NO_VERSION: entry(
    'No such version',
    'See the releases with `dataflow release list`; older versions may have been collected.',
    2,
  ),
  E_LAKE_SPACE: entry('Not enough disk space for a step', 'Make room, or move the lake to a larger disk.', 5, true),
  E_NO_RELEASE: entry('No such release or run', 'See `dataflow release list` and `dataflow status --runs`.', 2),
  E_UNDO_COLLECTED: entry(
    'The old files are gone',
    'Retention collected them. Go back to a later release, or restore the files from a mirror or a backup.',
    1,
  ),
  E_LAKE_FSYNC: entry('The disk refused to make data durable', 'Do not trust this disk; move the lake.', 1),
  // far storage: mirrors
  E_FAR_UNREACHABLE: entry(
    'A storage elsewhere cannot be reached, or is overloaded',
    'Check address, port and network, then run again: what arrived is not sent again.',
    5,
    true,
  ),
  E_FAR_DENIED: entry('A storage elsewhere refuses the login or the permission', 'Grant the right named.', 1),
  E_FAR_MISSING: entry(
    'The place that a connection names is not there',
    'Make the bucket or the folder, or correct its name.',
    1,
  ),
  E_FAR_REFUSED: entry(
    'A storage elsewhere refuses what is asked of it',
    'Look at its answer; if it is not understandable, report it.',
    1,
  ),
  E_FAR_CHANGED: entry(
    'A file elsewhere is another one than expected',
    'Somebody else writes there. Look at it with `dataflow sync check`, then decide.',
    1,
  ),
  E_FAR_DELETE: entry(
    'A mirror would lose too many files',
    'See them with `dataflow sync NAME --delete --dry-run`; if it is meant, raise --max-delete.',
    1,
  ),
  E_FAR_SOURCE_DAMAGED: entry(
    'A file of the lake is damaged: it was not sent',
    'See `dataflow verify`, and bring it back with `dataflow restore`.',
    1,
  ),
  // ledger and locks
  E_LEDGER_BUSY: entry('The ledger is busy', 'Another process writes to it; run again.', 5, true),
  E_LEDGER_CORRUPT: entry('The ledger is damaged', 'Run `dataflow ledger rebuild`: it is made anew from the lake.', 1),
  E_LEDGER_MISSING: entry(
    'The lake has tables but no ledger',
    'Run `dataflow ledger rebuild`: it is made anew from the lake.',
    1,
  ),
  E_LEDGER_NEWER: entry('The ledger was written by a newer dataflow', 'Upgrade dataflow.', 1),
  E_LEDGER_READ_ONLY: entry('The ledger cannot be written', 'Make the lake folder writable.', 1),
  E_LOCKED: entry('Another run holds the lock', 'Wait for it to end, or stop that process.', 6, true),
  E_LOCK_LOST: entry('The lock was taken over', 'Another run took over; run again.', 5, true),
  // the line
  E_BACKFILL: entry(
    'The table cannot be backfilled',
    'Compute it whole with `dataflow run --full-refresh --select`.',
    2,
  ),
  E_BALANCE: entry('Rows are unaccounted for', 'Nothing was published. Report this with the candidate kept.', 1),
  E_TESTS_FAILED: entry(
    'Data tests failed',
    'Look at the candidate with `dataflow query --candidate`, then fix the data or the test.',
    3,
  ),
  E_BUDGET: entry(
    'The budget of a run is spent',
    'Raise `budget:`, take less input at once, or set `on_exceed: warn`.',
    1,
  ),
  // answers over HTTP
  ...SERVE_CODES,
  E_PARTIAL: entry('Some steps failed', 'See `dataflow status`; run again to do only what is left.', 4),
  E_INTERRUPTED: entry('Interrupted', 'Run again: finished steps are not repeated.', 5, true),
  E_INTERNAL: entry('A defect in dataflow', 'Report it with the command and the message.', 1),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

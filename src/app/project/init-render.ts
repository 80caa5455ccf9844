import { stringify } from 'yaml';
import type { Column } from '../../core/model/table.ts';
import { quoteIdent } from '../../kit/sql.ts';

/** What `init --from` found out about one group of files. */
export interface InferredSource {
  readonly name: string;
  readonly glob: string;
  readonly files: number;
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly key: string | undefined;
}

/** The text of a commented pipelines.yaml. Every value goes through the YAML library, so odd names are quoted right. */
export function renderProject(name: string, sources: readonly InferredSource[]): string {
  const head = `# A dataflow project. Check it with \`dataflow validate\`, see what would run with \`dataflow plan\`, run it with \`dataflow run\`.
version: 1
name: ${scalar(name)}

lake: { url: ./lake }                 # tables are Delta Lake folders below this one
engine: { type: duckdb }              # memory_limit and threads default to what this machine has
`;
  return sources.length === 0
    ? head + EXAMPLE
    : [head, sourcesBlock(sources), silverBlock(sources), goldBlock(sources)].join('\n');
}

/** Shown commented out: there is nothing to run yet. */
const EXAMPLE = `
# Systems that are asked, by a name of your choice. A secret is \${NAME} or file:/run/secrets/name.
# connections:
#   erp: { type: postgres, url: "\${ERP_URL}" }
#   events: { type: kafka, brokers: ["\${KAFKA_BROKER:-localhost:9092}"] }

# Where data comes from: each source becomes the bronze table of the same name.
# sources:
#   orders:
#     type: files
#     path: data/orders*.{csv,csv.gz,ndjson,parquet}
#     columns: { id: bigint, day: date, amount: "decimal(12,2)" }   # leave out to infer them from the first file
#   invoices: { type: postgres, connection: erp, table: invoices, cursor: { column: updated_at, overlap: 5m }, key: id }
#   prices: { type: http, url: "https://api.example.com/prices", pages: { style: page, size: 100 }, records: $.data }
#   clicks: { type: kafka, connection: events, topic: clicks }
#   trial: { type: fake, rate: 10 }                                 # made-up records, to try a stream with nothing else

# What clean data looks like. A row that breaks a rule goes to quarantine with the rule's name.
# silver:
#   orders:
#     from: orders
#     rules: [ { not_null: [id, day] }, { between: { column: amount, above: 0 } } ]
#     key: id
#     dedupe: { keep: last, by: day }
#     tests: [ { unique: id } ]

# What is modelled from it: plain SQL over bronze.x, silver.y, gold.z.
# gold:
#   orders_per_day:
#     sql: select day, count(*) as orders, sum(amount) as amount from silver.orders group by day
#     key: day
`;

function sourcesBlock(sources: readonly InferredSource[]): string {
  const blocks = sources.map((source) => {
    const seen = source.files === 1 ? '1 file' : `${source.files} files`;
    const columns = source.columns.map((column) => `      ${scalar(column.name)}: ${scalar(column.type)}`).join('\n');
    return `  ${scalar(source.name)}:                          # ${seen}; the first holds ${source.rows} ${source.rows === 1 ? 'record' : 'records'}
    type: files
    path: ${scalar(source.glob)}
    columns:                          # inferred; a record that does not fit goes to quarantine
${columns}
`;
  });
  return `# Where data comes from: each source becomes the bronze table of the same name.\nsources:\n${blocks.join('')}`;
}

function silverBlock(sources: readonly InferredSource[]): string {
  const blocks = sources.map((source) => {
    const from = `  ${scalar(source.name)}:\n    from: ${scalar(source.name)}\n`;
    if (source.key === undefined) return `${from}    # no column with distinct values was found for a key\n`;
    const key = scalar(source.key);
    return `${from}    rules:\n      - { not_null: [${key}] }        # a row that breaks a rule goes to quarantine\n    key: ${key}                       # found to be unique; a newer row replaces an older one\n    tests:\n      - { unique: ${key} }            # on the candidate, before it is published\n`;
  });
  return `# What clean data looks like.\nsilver:\n${blocks.join('')}`;
}

function goldBlock(sources: readonly InferredSource[]): string {
  const blocks = sources.map((source) => {
    const text = source.columns.find((column) => column.type === 'varchar' && column.name !== source.key);
    const by = text === undefined ? '' : `${quoteIdent(text.name)}, `;
    const sql = `select ${by}count(*) as row_count from silver.${quoteIdent(source.name)} group by all`;
    return `  ${scalar(`${source.name}_counts`)}:\n    sql: ${scalar(sql)}\n`;
  });
  return `# What is modelled from it: plain SQL over bronze.x, silver.y, gold.z. A first example to change:\ngold:\n${blocks.join('')}`;
}

function scalar(text: string): string {
  return stringify(text, { lineWidth: 0 }).trimEnd();
}

import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { RecordCheck } from '../../core/model/record-check.ts';
import type { DocumentOptions, InspectOptions } from '../../core/ports/format.ts';
import type { Source } from '../../core/ports/source.ts';
import type { FoundSourceComponent, RecordShape, SourceParts } from '../../core/ports/source-component.ts';
import { type DocumentsOptions, schema } from './options.ts';

/** Scanned documents in folders: `type: documents`. */
export const component: FoundSourceComponent<DocumentsOptions> = {
  type: 'documents',
  summary: 'Scanned documents: PNG, JPEG, TIFF and PDF files, whose text is recognised and searched for fields.',
  schema,
  create: documentsSource,
  shape: shapeOf,
};

async function documentsSource(options: DocumentsOptions, { files, inspectors }: SourceParts): Promise<Source> {
  if (files === undefined) throw new DataflowError('E_INTERNAL', 'documents need the way that files are found');
  const { path, exclude, settle_seconds, max_file_bytes } = options;
  const inspect = { document: documentOptions(options) };
  const found = await files({
    path,
    ...(exclude === undefined ? {} : { exclude }),
    settle_seconds,
    max_file_bytes,
    format: 'document',
    inspect,
  });
  // A look before anything runs would have to read the documents.
  const { look: _, peek: __, ...usual } = found;
  return {
    ...usual,
    ready: async () =>
      (await inspectors.document.ready?.(inspect as unknown as InspectOptions)) ?? { ok: true, words: '' },
    computes: true,
  };
}

function documentOptions(options: DocumentsOptions): DocumentOptions {
  const { languages, record, dpi, text_layer, max_pages, max_pixels, page_seconds_max } = options;
  const fields = Object.fromEntries(fieldsOf(options).map(({ name, pattern }) => [name, { pattern }]));
  return { languages, record, fields, dpi, text_layer, max_pages, max_pixels, page_seconds_max };
}

function fieldsOf({ fields }: DocumentsOptions): readonly { name: string; pattern: string; required: boolean }[] {
  return Object.entries(fields).map(([name, field]) =>
    typeof field === 'string' ? { name, pattern: field, required: true } : { name, ...field },
  );
}

/** What the records are like: also what a person's correction must hold, but for the confidence of the machine. */
function shapeOf(options: DocumentsOptions): RecordShape {
  const fields = fieldsOf(options);
  const { min_confidence: min } = options;
  const missing = fields
    .filter(({ required }) => required)
    .map(
      ({ name }): RecordCheck => ({ rule: 'field_missing', column: name, says: `no ${name} was found in the text` }),
    );
  const doubtful = [...fields.map(({ name }) => name), ''].map((name): RecordCheck => {
    const column = name === '' ? 'confidence' : `${name}_confidence`;
    const what = name === '' ? `the ${options.record}` : name;
    return { rule: 'low_confidence', column, min, says: `${what} was read with confidence `, corrected_passes: true };
  });
  return {
    columns: {
      [options.record === 'page' ? 'page' : 'pages']: 'bigint',
      ...Object.fromEntries(fields.map(({ name }) => [name, 'varchar'])),
      ...Object.fromEntries(fields.map(({ name }) => [`${name}_confidence`, 'double'])),
      confidence: 'double',
      read_by: 'varchar',
      text: 'varchar',
      sha256: 'varchar',
    },
    checks: [...missing, ...doubtful],
  };
}

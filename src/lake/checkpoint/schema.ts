import type { SchemaElement } from 'hyparquet';

/** What a checkpoint of ours has of each action (PROTOCOL.md, "Checkpoint Schema"). */
export const ACTIONS = ['protocol', 'metaData', 'txn', 'remove', 'add'] as const;

const leaf = (name: string, type: 'BYTE_ARRAY' | 'INT64' | 'INT32' | 'BOOLEAN'): SchemaElement => ({
  name,
  type,
  repetition_type: 'OPTIONAL',
  ...(type === 'BYTE_ARRAY' ? { converted_type: 'UTF8' } : {}),
});
const group = (name: string, members: readonly (readonly SchemaElement[])[]): readonly SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: members.length },
  ...members.flat(),
];
const text = (name: string) => [leaf(name, 'BYTE_ARRAY')];
const long = (name: string) => [leaf(name, 'INT64')];
const int = (name: string) => [leaf(name, 'INT32')];
const flag = (name: string) => [leaf(name, 'BOOLEAN')];
const texts = (name: string): readonly SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...text('element'),
];
const textMap = (name: string): readonly SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', converted_type: 'MAP', num_children: 1 },
  { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
  { ...leaf('key', 'BYTE_ARRAY'), repetition_type: 'REQUIRED' },
  ...text('value'),
];

export const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: ACTIONS.length },
  ...group('protocol', [
    int('minReaderVersion'),
    int('minWriterVersion'),
    texts('readerFeatures'),
    texts('writerFeatures'),
  ]),
  ...group('metaData', [
    text('id'),
    text('name'),
    text('description'),
    group('format', [text('provider'), textMap('options')]),
    text('schemaString'),
    texts('partitionColumns'),
    textMap('configuration'),
    long('createdTime'),
  ]),
  ...group('txn', [text('appId'), long('version'), long('lastUpdated')]),
  ...group('remove', [
    text('path'),
    long('deletionTimestamp'),
    flag('dataChange'),
    flag('extendedFileMetadata'),
    textMap('partitionValues'),
    long('size'),
  ]),
  ...group('add', [
    text('path'),
    textMap('partitionValues'),
    long('size'),
    long('modificationTime'),
    flag('dataChange'),
    text('stats'),
    textMap('tags'),
  ]),
];

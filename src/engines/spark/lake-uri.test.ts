import { expect, it } from 'vitest';
import { lakeUriProblem, sparkAddressing } from './lake-uri.ts';

it('places of the lake as Spark opens them', () => {
  const at = (lake: string, own: string | undefined, path: string): string => sparkAddressing(lake, own)(lake + path);
  expect(at('s3://b/lake', undefined, '/gold/a')).toBe('s3a://b/lake/gold/a');
  expect(at('hdfs://nn:8020/lake', undefined, '/gold/a')).toBe('hdfs://nn:8020/lake/gold/a');
  expect(at('/srv/my lake', undefined, '/gold/a')).toBe('file:///srv/my lake/gold/a');
  expect(at('hdfs://web/x/lake', 'hdfs://nameservice/x/lake/', '/gold/a')).toBe('hdfs://nameservice/x/lake/gold/a');
  expect(at('s3://b/lake', 's3a://alias/other', '')).toBe('s3a://alias/other');
  expect(at('/srv/lake', '/srv/shared/lake', '/gold/a')).toBe('/srv/shared/lake/gold/a');
  expect(sparkAddressing('s3://b/lake', 'viewfs:///lake')('s3://b/lake2/t')).toBe('s3a://b/lake2/t'); // not of the lake
});

it('what lake_uri cannot be', () => {
  for (const good of [
    'hdfs://nn:8020/a',
    'hdfs:///a',
    's3a://bucket/a/b',
    '/srv/shared/lake',
    'abfss://box@account.net/a',
  ])
    expect(lakeUriProblem(good)).toBe(undefined);
  for (const bad of [
    '',
    'lake',
    'hdfs://nn',
    's3a://bucket/',
    's3a://key:secret@bucket/a',
    '//a',
    '/a?b',
    'hdfs://n/`',
  ])
    expect(lakeUriProblem(bad), bad).toMatch(/^lake_uri: /);
  expect(lakeUriProblem('s3a://key:secret@bucket/a')).not.toContain('secret');
});

import { expect, it } from 'vitest';
import { partitionText, toldAddress } from './addresses.ts';

it('addresses are written as Spark tells them of files', () => {
  expect(toldAddress('file:///data/a b/part-1.parquet')).toBe('file:///data/a%20b/part-1.parquet');
  expect(toldAddress('hdfs://node:8020/lake/p=100%/é#1.parquet')).toBe('hdfs://node:8020/lake/p=100%25/é%231.parquet');
  expect(toldAddress("s3a://bucket/it's,(1)+2;x=y.parquet")).toBe("s3a://bucket/it's,(1)+2;x=y.parquet");
});

it('partition values come out of folder names as they went in', () => {
  expect(partitionText('__dataflow_partition_0=2024-01-01T00%3A00%3A00Z')).toBe('2024-01-01T00:00:00Z');
  expect(partitionText('p=a%3Db%2Fc%25')).toBe('a=b/c%');
  expect(partitionText('p=Écran')).toBe('Écran');
  expect(partitionText('p=__HIVE_DEFAULT_PARTITION__')).toBeNull();
});

import { describe, expect, it } from 'vitest';
import { farLakePlace, isFarLake, lakeFolder, stateFolderOf } from './lake-place.ts';

const connections = {
  objects: { type: 's3', options: { bucket: 'lakes', endpoint: 'http://minio:9000' } },
  others: { type: 's3', options: { bucket: 'others', endpoint: 'http://minio:9000' } },
  cluster: { type: 'hdfs', options: { url: 'http://namenode:9870', path: '/mirrors' } },
};
const project = (url: string, connection?: string) => ({
  root: '/p',
  connections,
  lake: {
    url,
    layers: { bronze: 'bronze', silver: 'silver', gold: 'gold' },
    keep: { versions_days: 30, quarantine_days: 90 },
    ...(connection === undefined ? {} : { connection }),
  },
});

describe('where a lake is', () => {
  it('a folder is a folder', () => {
    expect(farLakePlace(project('/p/lake'))).toBeUndefined();
    expect(isFarLake(project('/p/lake'))).toBe(false);
    expect(stateFolderOf(project('/p/lake'))).toBe('/p/lake/_dataflow');
  });

  it.each([
    ['s3://lakes/a/retail', 'objects', 'a/retail'],
    ['s3://others', 'others', ''],
    ['hdfs://namenode:8020/datalake/', 'cluster', 'datalake'],
  ])('%s is reached by %s', (url, name, path) => {
    const place = farLakePlace(project(url));
    expect(place).toMatchObject({ connection: { name }, path });
    // The folder that mirrors start in is not that of the lake.
    expect(place?.connection.options).not.toHaveProperty('path');
    expect(lakeFolder(project(url))).toBe('/p/.dataflow');
  });

  it.each([
    ['s3://nowhere/x', undefined, 'no connection leads to the bucket nowhere'],
    ['s3://lakes/x', 'others', 'others does not lead to the bucket lakes'],
    ['s3://lakes/x', 'cluster', 'cluster does not lead to the bucket lakes'],
    ['s3://lakes/a/../b', undefined, '. and .. lead nowhere'],
    ['s3://', undefined, 'expected s3://bucket/folder'],
    ['hdfs://namenode/x', 'gone', 'there is no connection gone'],
  ])('%s with %s is refused', (url, connection, message) => {
    expect(() => farLakePlace(project(url, connection))).toThrow(message);
  });

  it('two connections to one cluster have to be told apart', () => {
    const two = { ...project('hdfs://namenode/x'), connections: { ...connections, second: connections.cluster } };
    expect(() => farLakePlace(two)).toThrow('cluster and second may lead to namenode');
    expect(farLakePlace({ ...two, lake: { ...two.lake, connection: 'second' } })?.connection.name).toBe('second');
  });
});

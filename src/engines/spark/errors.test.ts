import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { sparkError, type ToldError } from './errors.ts';

const failure = {
  code: status.INTERNAL,
  message: '[TASK_WRITE_FAILED] Task failed while writing rows to hdfs://node:8020/lake/_dataflow/staging/x.',
  error_id: 'x',
  error_class: 'TASK_WRITE_FAILED',
  sql_state: undefined,
  java_classes: [],
};
const told = (details: ToldError) => sparkError(failure, { place: 'node:15002', met: true, details }, undefined);
const cause = (name: string, message: string): ToldError => ({
  message: failure.message,
  causes: [
    { error_type_hierarchy: ['org.apache.spark.SparkException'], message: 'Job aborted' },
    { error_type_hierarchy: [`org.apache.hadoop.${name}`], message },
  ],
});

describe('why a task failed', () => {
  it('is told in the words of the storage that refused it', () => {
    const denied = told(
      cause('security.AccessControlException', 'Permission denied: user=etl, access=WRITE, inode="/lake"'),
    );
    expect(denied.code).toBe('E_FAR_DENIED');
    expect(denied.message).toContain('user=etl, access=WRITE, inode="/lake"');
    expect(denied.hint).toContain('dataflow retry');
    const full = told(
      cause('hdfs.protocol.DSQuotaExceededException', 'The DiskSpace quota of /lake is exceeded: quota = 1 B'),
    );
    expect([full.code, full.message]).toEqual([
      'E_LAKE_SPACE',
      expect.stringContaining('The DiskSpace quota of /lake is exceeded'),
    ]);
  });

  it('stands in the lines behind the first one where the server tells no causes; anything else stays what it was', () => {
    const lines = `Job aborted\nCaused by: java.io.IOException: No space left on device\n\tat java.base`;
    expect(told({ message: lines, causes: [] }).code).toBe('E_LAKE_SPACE');
    expect(told(cause('ipc.RemoteException', 'Connection refused')).code).toBe('E_ENGINE');
  });

  it('is not read out of the words of a query; the names of errors are nobody else’s', () => {
    const words = 'Permission denied: No space left on device';
    const cast = {
      error_type_hierarchy: ['org.apache.spark.SparkNumberFormatException', 'java.lang.NumberFormatException'],
      message: `[CAST_INVALID_INPUT] The value '${words}' of the type "STRING" cannot be cast to "INT"`,
      spark_throwable: { error_class: 'CAST_INVALID_INPUT', sql_state: '22018' },
    };
    expect(told({ ...cast, causes: [] }).code).toBe('E_SQL');
    const stage = {
      error_type_hierarchy: ['org.apache.spark.SparkException'],
      message: `Job aborted: ${cast.message}`,
    };
    expect(told({ ...stage, causes: [cast] }).code).toBe('E_ENGINE');
    const raised = { message: words, spark_throwable: { error_class: 'USER_RAISED_EXCEPTION', sql_state: 'P0001' } };
    expect(told({ ...raised, causes: [] }).code).toBe('E_ENGINE');
    const in_lines = `Job aborted due to stage failure: (executor 1): java.lang.RuntimeException: ${words}\n\tat org.apache`;
    expect(told({ message: in_lines, causes: [] }).code).toBe('E_ENGINE');

    const catalog = { ...cast, error_type_hierarchy: ['org.apache.spark.sql.AnalysisException'] };
    const denied = { error_type_hierarchy: ['org.apache.hadoop.security.AccessControlException'], message: 'user=etl' };
    const found = told({ ...catalog, causes: [denied] });
    expect([found.code, found.message]).toEqual(['E_FAR_DENIED', expect.stringContaining('user=etl')]);
  });
});

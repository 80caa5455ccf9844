import { hdfs } from './hdfs.ts';
import { hdfs_pair } from './hdfs-pair.ts';
import { kafka } from './kafka.ts';
import { minio } from './minio.ts';
import { mongodb, mongodb_three } from './mongodb.ts';
import { postgresql } from './postgresql.ts';
import { schema_registry } from './schema-registry.ts';
import type { Server } from './server.ts';
import { sftp, sftp_password } from './sftp.ts';
import { spark } from './spark.ts';

/** Every server that tests can use. A new one is a file and a line here. */
export const SERVERS = {
  kafka,
  schema_registry,
  minio,
  mongodb,
  mongodb_three,
  postgresql,
  hdfs,
  hdfs_pair,
  sftp,
  sftp_password,
  spark,
} as const satisfies Record<string, Server>;

export type ServerName = keyof typeof SERVERS;

export function isServerName(name: string): name is ServerName {
  return Object.hasOwn(SERVERS, name);
}

/** The settings of a server that are in the environment; undefined if its first one is not. */
export function settingsInEnvironment(server: Server): Readonly<Record<string, string>> | undefined {
  const found: Record<string, string> = {};
  for (const variable of server.variables) {
    const value = process.env[variable];
    if (value !== undefined && value !== '') found[variable] = value;
  }
  return found[server.variables[0]] === undefined ? undefined : found;
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { KafkaClient } from './client.ts';
import type { CodecName } from './codecs.ts';
import type { KafkaConnectionOptions } from './connection.ts';
import { openKafkajs } from './kafkajs.ts';
import type { ClientSettings } from './kafkajs-options.ts';

/** A client for a connection as it is configured. @param root relative paths of certificates start here */
export async function openClient(
  options: KafkaConnectionOptions,
  root: string,
  compression: CodecName = 'none',
): Promise<KafkaClient> {
  return await openKafkajs(clientSettings(options, root, compression));
}

function clientSettings(options: KafkaConnectionOptions, root: string, compression: CodecName): ClientSettings {
  const { brokers, client_id, sasl, username = '', password = '', connect_timeout_ms, request_timeout_ms } = options;
  return {
    brokers,
    client_id,
    connect_timeout_ms,
    request_timeout_ms,
    compression,
    ...(sasl === undefined ? {} : { sasl: { mechanism: sasl, username, password } as ClientSettings['sasl'] & object }),
    ...(options.tls ? { tls: tlsOf(options, root) } : {}),
  };
}

function tlsOf(options: KafkaConnectionOptions, root: string) {
  const read = (field: 'ca' | 'cert' | 'key') => {
    const path = options[field];
    return path === undefined ? {} : { [field]: readPem(resolve(root, path), field) };
  };
  return { rejectUnauthorized: options.verify, ...read('ca'), ...read('cert'), ...read('key') };
}

function readPem(path: string, field: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new DataflowError('E_CONFIG_INVALID', `${field}: ${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

import type { SASLOptions } from 'kafkajs';
import type { CodecName } from './codecs.ts';

/** How brokers are reached; files are read already. */
export interface ClientSettings {
  readonly brokers: readonly string[];
  readonly client_id: string;
  readonly sasl?: SASLOptions;
  readonly tls?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly rejectUnauthorized: boolean;
  };
  readonly connect_timeout_ms: number;
  readonly request_timeout_ms: number;
  readonly compression?: CodecName;
}

/** Of the library itself; whoever asks tries longer (see `retry.ts`). */
const RETRY = { retries: 1, initialRetryTime: 100, maxRetryTime: 500 };

/** Options that both the library's clients and its inner parts take. */
export function kafkajsOptions(settings: ClientSettings) {
  return {
    brokers: [...settings.brokers],
    clientId: settings.client_id,
    connectionTimeout: settings.connect_timeout_ms,
    requestTimeout: settings.request_timeout_ms,
    enforceRequestTimeout: true,
    retry: RETRY,
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    ...(settings.tls === undefined ? {} : { ssl: settings.tls }),
  };
}

import type { StreamPosition } from '../model/stream.ts';
import type { Connection } from './connection.ts';

/** A row on its way out, or the end of one. */
export interface OutMessage {
  readonly key: string | null;
  /** JSON text; null: the row is gone. */
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a publisher is opened for. */
export interface PublisherRequest {
  /** Unique among everything that publishes to the same system: project, stream and topic. */
  readonly id: string;
  readonly topic: string;
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** Project folder: relative paths of the connection start here. */
  readonly root: string;
  readonly connection: Connection;
  readonly signal: AbortSignal;
  note(text: string): void;
}

/**
 * Writes messages to a topic, together with the position that they stand for: both become visible, or neither. The position lives in the system
 * itself, so that a crash at any moment leaves no doubt about what was published.
 */
export interface Publisher {
  /** Where the stream stands, without disturbing anybody who publishes it. */
  position(): Promise<StreamPosition | undefined>;
  /** From now on nobody else publishes this stream: whoever did is shut out, and what they left half done is undone. */
  begin(): Promise<StreamPosition | undefined>;
  /** @param position where the stream stands once these messages are out */
  publish(messages: readonly OutMessage[], position: StreamPosition): Promise<void>;
  close(): Promise<void>;
}

/** A system to which streams are published: a file `connectors/<system>/publisher.ts` exports one as `component`. */
export interface PublisherComponent {
  /** The type of connection that it publishes to. */
  readonly type: string;
  open(request: PublisherRequest): Promise<Publisher>;
}

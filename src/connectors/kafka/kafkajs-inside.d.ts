// biome-ignore-all lint/style/noDefaultExport: it is how the packages export
/** The parts of kafkajs that its own types do not show; the version is pinned. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  interface Queue {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  }
  const RequestQueue: { readonly prototype: Queue };
  export default RequestQueue;
}

declare module 'kafkajs/src/loggers/index.js' {
  const loggers: {
    createLogger(options: {
      readonly level: number;
      readonly logCreator: () => (entry: {
        readonly level: number;
        readonly log: { readonly message: string };
      }) => void;
    }): unknown;
  };
  export default loggers;
}

declare module 'kafkajs/src/network/socketFactory.js' {
  const socketFactory: () => (options: unknown) => { setMaxListeners(count: number): unknown };
  export default socketFactory;
}

declare module 'kafkajs-snappy' {
  const codec: () => {
    compress(encoder: { readonly buffer: Buffer }): Promise<Uint8Array>;
    decompress(bytes: Buffer): Promise<Uint8Array>;
  };
  export default codec;
}

declare module 'kafkajs/src/cluster/index.js' {
  export interface Protocol<T> {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
    };
    readonly response: {
      decode(payload: Buffer): Promise<T>;
      parse(decoded: T): Promise<T>;
    };
    readonly requestTimeout?: number;
    readonly logResponseError?: boolean;
  }
  interface Broker {
    readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
    readonly connectionPool: { send<T>(protocol: Protocol<T>): Promise<T> };
    disconnect(): Promise<void>;
    listOffsets(request: {
      readonly isolationLevel: number;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
      }[];
    }): Promise<{
      readonly responses: readonly {
        readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
      }[];
    }>;
    offsetCommit(request: {
      readonly groupId: string;
      readonly groupGenerationId: number;
      readonly memberId: string;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
      }[];
    }): Promise<unknown>;
  }
  class Cluster {
    constructor(options: Readonly<Record<string, unknown>>);
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    addTargetTopic(topic: string): Promise<void>;
    refreshMetadata(): Promise<void>;
    findBroker(node: { readonly nodeId: number }): Promise<Broker>;
    findGroupCoordinator(group: { readonly groupId: string }): Promise<Broker>;
    findTopicPartitionMetadata(
      topic: string,
    ): readonly { readonly partitionId: number; readonly leader: number; readonly partitionErrorCode: number }[];
  }
  export default Cluster;
}

import type { Client } from 'pg';

/** A query in the driver's sense that reads or writes its messages by itself. */
interface OwnQuery {
  handleError(error: Error): void;
}

/** Hands the query to the driver, and tells it when the connection is lost; the driver would not. Returns what ends that. */
export function submitQuery(client: Client, query: OwnQuery): () => void {
  const lost = (error: Error): void => query.handleError(error);
  const ended = (): void => query.handleError(new Error('the connection was closed in the middle of a COPY'));
  client.on('error', lost);
  client.on('end', ended);
  client.query(query as unknown as Parameters<Client['query']>[0]);
  return () => {
    client.removeListener('error', lost);
    client.removeListener('end', ended);
  };
}

/** What Spark calls a place of the lake: the project's own address of it, translated. */
export type Addressing = (uri: string) => string;

/**
 * How Spark opens what the project finds under `lake.url`. Unless the project says otherwise: `s3://` as Hadoop's client for object stores is called (`s3a://`), `hdfs://` as it
 * is, which then is the address of the NameNode for programs and not that of WebHDFS, and a folder of this machine as `file://`, whatever file system the cluster takes by default.
 * @param lake_uri `engine.lake_uri`: stands in place of `lake_url`
 */
export function sparkAddressing(lake_url: string, lake_uri: string | undefined): Addressing {
  const base = lake_url.replace(/\/+$/, '');
  const own = lake_uri?.replace(/(?<![:/])\/+$/, '');
  return (address) => {
    const uri = address.replace(/^file:\/\/\//i, '/');
    if (own !== undefined && (uri === base || uri.startsWith(`${base}/`))) return own + uri.slice(base.length);
    if (uri.startsWith('/')) return `file://${uri}`;
    return uri.replace(/^s3:/i, 's3a:');
  };
}

/** What is wrong with `engine.lake_uri`, if anything. */
export function lakeUriProblem(lake_uri: string): string | undefined {
  const [, authority] = /^[a-z][a-z0-9+.-]*:\/\/([^/]*)\/[^/]/i.exec(lake_uri) ?? [];
  if (authority === undefined && !/^\/[^/]/.test(lake_uri))
    return 'lake_uri: expected an address with a folder, as in hdfs://namenode:8020/datalake, s3a://bucket/datalake or /srv/shared/datalake';
  if (/:.*@/.test(authority ?? ''))
    return 'lake_uri: keys do not belong into an address: the cluster takes them from its own settings';
  return /[?#`\s]/.test(lake_uri) ? 'lake_uri: there is a character in it that no folder of a lake has' : undefined;
}

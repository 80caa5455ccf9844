import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { javaProgram, mavenBundle, SHORT_LIVED } from './registries.ts';
import type { Server } from './server.ts';

const VERSION = '3.0.9';

/** Apicurio Registry over memory, asked by Confluent's protocol. */
export const schema_registry: Server = {
  name: 'schema_registry',
  title: `Apicurio Registry ${VERSION}, in memory`,
  variables: ['DATAFLOW_TEST_SCHEMA_REGISTRY'],

  async install() {
    await javaProgram();
    const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all` as const;
    return cached(`apicurio-${VERSION}`, (folder) => mavenBundle(folder, artifact));
  },

  async start(room) {
    const jar = readdirSync(room.installed).find((name) => name.endsWith('-runner.jar')) ?? 'runner.jar';
    const address = `127.0.0.1:${await room.port('server')}`;
    const [host, port] = address.split(':');
    const quarkus = [`-Dquarkus.http.host=${host}`, `-Dquarkus.http.port=${port}`, '-Dquarkus.log.level=WARN'];
    const args = [
      ...SHORT_LIVED,
      '-Xmx256m',
      ...quarkus,
      `-Djava.io.tmpdir=${room.folder}`,
      '-jar',
      join(room.installed, jar),
    ];
    room.launch({ name: 'schema_registry', command: await javaProgram(), args });
    const url = `http://${address}/apis/ccompat/v7`;
    await room.ready(async () => (await fetch(`${url}/subjects`)).ok);
    return { DATAFLOW_TEST_SCHEMA_REGISTRY: url };
  },
};

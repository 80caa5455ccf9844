import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { openApi } from '../app/serve/openapi.ts';
import { type QueryWords, RequestWords } from '../app/serve/request-words.ts';
import type { Parts } from './parts.ts';
import type { Reader } from './readers.ts';
import { clientOf, sendText } from './send.ts';

/** No script stands in the page: the policy for content forbids it. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="docs"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

/** Asks for a token where one is needed; it stays in the page and is stored nowhere. */
const START = `'use strict';
async function start(token) {
  const headers = token ? { authorization: 'Bearer ' + token } : {};
  const response = await fetch('/openapi.json', { headers });
  const place = document.getElementById('docs');
  if (response.status === 401) {
    const form = document.createElement('form');
    const label = document.createElement('label');
    label.textContent = token ? 'The token is not a valid one. Token: ' : 'Token: ';
    const input = document.createElement('input');
    input.type = 'password';
    input.autocomplete = 'off';
    const button = document.createElement('button');
    button.textContent = 'Show';
    label.append(input);
    form.append(label, button);
    form.addEventListener('submit', (event) => { event.preventDefault(); start(input.value); });
    place.replaceChildren(form);
    input.focus();
    return;
  }
  const spec = await response.json();
  if (!response.ok) { place.textContent = spec.detail; return; }
  document.title = spec.info.title + ': API';
  const ui = SwaggerUIBundle({ spec, domNode: place, deepLinking: true, validatorUrl: null, supportedSubmitMethods: ['get'], docExpansion: 'none',
    onComplete: () => { if (token) ui.preauthorizeApiKey('token', token); } });
}
start('');
`;

/** Files of Swagger UI, as its package has them. */
const FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

/** `/openapi.json`, and `/docs` that shows it without any network but this server. */
export function addDocs(app: FastifyInstance, parts: Parts): void {
  const { answers, routes, recognise, serving, version } = parts;
  /** Of one release and one reader: not of one name, which says nothing of the tables that a signed token opens. */
  let kept: { readonly reader: Reader; readonly release_id: string; readonly text: string } | undefined;
  app.get('/openapi.json', async (request, reply) => {
    const reader = await recognise(request);
    request.reader = reader;
    new RequestWords(request.query as QueryWords).end([]);
    const release_id = serving.current?.release_id;
    const known = kept?.reader === reader && kept.release_id === release_id ? kept.text : undefined;
    const may = (table: string): boolean => reader.may(table);
    const text = known ?? JSON.stringify(await openApi(answers, routes, may, version, clientOf(request, reply)));
    kept = release_id === undefined ? undefined : { reader, release_id, text };
    reply.header('cache-control', 'private, no-cache').type('application/json; charset=utf-8');
    return sendText(request, reply, text);
  });
  const fixed = (path: string, type: string, content: () => Promise<string> | string): void => {
    app.get(path, async (request, reply) => {
      reply.header('cache-control', 'max-age=3600').type(type);
      return sendText(request, reply, await content());
    });
  };
  fixed('/docs', 'text/html; charset=utf-8', () => PAGE);
  fixed('/docs/start.js', 'text/javascript; charset=utf-8', () => START);
  for (const [name, type] of Object.entries(FILES)) fixed(`/docs/${name}`, type, () => fileOf(name));
}

function fileOf(name: string): Promise<string> {
  const package_file = createRequire(import.meta.url).resolve('@fastify/swagger-ui/package.json');
  return readFile(join(dirname(package_file), 'static', name), 'utf8');
}

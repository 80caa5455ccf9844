import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { dashboardShape } from '../app/serve/dashboard/dashboard-shape.ts';
import { tablesOfFilter } from '../app/serve/dashboard/filter-defaults.ts';
import { type QueryWords, RequestWords } from '../app/serve/request-words.ts';
import type { Parts } from './parts.ts';
import { sendAnswer, sendDocument } from './send.ts';
import { recognised } from './tables.ts';

export const DASHBOARD_PATH = '/api/v1/dashboard';

/** The names in an address below a page. */
interface PageParams {
  readonly page: string;
  readonly name: string;
}

/** What the pages in a browser ask: what is declared, the rows of a widget, the values of a filter. */
export function addDashboard(app: FastifyInstance, parts: Parts): void {
  const { dashboard } = parts;
  app.get(DASHBOARD_PATH, (request, reply) => sendShape(parts, request, reply));
  app.get(`${DASHBOARD_PATH}/pages/:page/widgets/:name`, async (request, reply) => {
    const { page: id, name } = request.params as PageParams;
    await recognised(parts, request, []);
    const page = dashboard.page(id);
    const widget = dashboard.widget(page, name);
    await recognised(parts, request, dashboard.tablesOf(page, widget));
    const query = request.query as QueryWords;
    return sendAnswer(parts, request, reply, (client) => dashboard.rows(page, widget, { query, client }));
  });
  app.get(`${DASHBOARD_PATH}/pages/:page/filters/:name`, async (request, reply) => {
    const { page: id, name } = request.params as PageParams;
    await recognised(parts, request, []);
    const page = dashboard.page(id);
    await recognised(parts, request, tablesOfFilter(dashboard.filterOf(page, name)));
    const query = request.query as QueryWords;
    return sendAnswer(parts, request, reply, (client) => dashboard.filter(page, name, { query, client }));
  });
}

async function sendShape(parts: Parts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { serving, recognise, cacheable_by } = parts;
  const reader = await recognise(request);
  request.reader = reader;
  new RequestWords(request.query as QueryWords).end([]);
  const name = cacheable_by === 'private' ? reader.name : null;
  const shape = dashboardShape(serving.project, serving.current, { name, operator: reader.operator });
  return sendDocument(request, reply, shape);
}

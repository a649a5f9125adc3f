// The OpenAPI 3.1 document of the admin API, made from the table of routes. Runs in the primary, when it is asked for.

import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import * as schemas from './schemas.ts';
import type { Route } from './target.ts';

export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'tutti admin API',
      version,
      description: 'Reads and controls one supervisor. Every body is JSON and carries `schema: 1`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}

function operationOf(route: Route): object {
  const refusals =
    route.access === 'control'
      ? {
          400: answer('The body is not what the route takes.', schemas.failure),
          401: answer('The token is missing or wrong.', schemas.failure),
        }
      : {};
  const answers = Object.entries(route.answers).map(([status, known]) => [
    status,
    answer(known.description, known.schema, known.contentType),
  ]);
  return {
    summary: route.summary,
    operationId: route.path.replace(/^\/(v1\/)?/, '').replaceAll('/', '-'),
    ...(route.access === 'control' ? { security: [{ token: [] }] } : {}),
    ...(route.parameters === undefined
      ? {}
      : { parameters: route.parameters.map((one) => ({ ...one, required: false, schema: { type: 'string' } })) }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: false, content: { 'application/json': { schema: jsonSchema(route.body) } } } }),
    responses: { ...Object.fromEntries(answers), ...refusals },
  };
}

function answer(description: string, schema?: GenericSchema, contentType = 'application/json'): object {
  const body = schema === undefined ? { type: 'string' } : jsonSchema(schema);
  return { description, content: { [contentType]: { schema: body } } };
}

function jsonSchema(schema: GenericSchema): object {
  const { $schema: _, ...rest } = toJsonSchema(schema);
  return rest;
}

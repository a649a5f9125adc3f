import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIncurable } from '../../../src/protocol/incurable.ts';

const stack = '\n    at Object.<anonymous> (/srv/shop/server.js:1:1)';

test('what another try does not cure', () => {
  for (const error of [
    `Error: Cannot find module 'express'\nRequire stack:\n- /srv/shop/server.js${stack}`,
    `Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'express' imported from /srv/shop/server.mjs${stack}`,
    `Error [ERR_REQUIRE_ESM]: require() of ES Module /srv/shop/a.mjs not supported.${stack}`,
    `TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension ".ts" for /srv/shop/server.ts${stack}`,
    `/srv/shop/server.js:1\nconst a = ;\n          ^\n\nSyntaxError: Unexpected token ';'${stack}`,
    `file:///srv/shop/a.mjs:1\nimport {nothing} from 'node:fs'\n        ^^^^^^^\nSyntaxError: The requested module 'node:fs' does not provide an export named 'nothing'${stack}`,
    `Error: listen EADDRINUSE: address already in use :::8000${stack}`,
    `Error: listen EACCES: permission denied 0.0.0.0:80${stack}`,
    `Error: bind EADDRINUSE 0.0.0.0:53${stack}`,
    `Error: EACCES: permission denied, open '/etc/shop.key'${stack}`,
    'listen EADDRINUSE: address already in use 127.0.0.1:8000',
  ]) {
    assert.ok(isIncurable(error), error);
  }
});

test('what it may', () => {
  for (const error of [
    `Error: connect ECONNREFUSED 127.0.0.1:5432${stack}`,
    `TypeError: Cannot read properties of undefined (reading 'port')${stack}`,
    `SyntaxError: Unexpected end of JSON input\n    at JSON.parse (<anonymous>)${stack}`,
    `Error: ENOENT: no such file or directory, open 'build.json'${stack}`,
    `Error: it logs "Error: Cannot find module" itself${stack}`,
    '',
  ]) {
    assert.ok(!isIncurable(error), error);
  }
});

// A CommonJS server that starts only when it is the main module, so that tests can require it.
const http = require('node:http');

const server = http.createServer((_request, response) => response.end(`CommonJS, process ${process.pid}.`));

if (require.main === module) server.listen(Number(process.env.PORT ?? 8000));

module.exports = server;

// HTTP/2 over TLS, with HTTP/1.1 for those who ask for it.
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const cert = readFileSync(process.env.TLS_CERT ?? 'cert.pem');
const key = readFileSync(process.env.TLS_KEY ?? 'key.pem');

createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
  response.end(`HTTP/${request.httpVersion} over TLS, process ${process.pid}.`);
}).listen(Number(process.env.PORT ?? 8443));

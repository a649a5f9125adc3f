// An ES module that starts only when it is the main module, so that tests can import it.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

export const server = createServer((_request, response) => response.end(`ESM, process ${process.pid}.`));

// Node 24.2 and later have import.meta.main; before, the path tells.
const isMain = import.meta.main ?? import.meta.url === pathToFileURL(process.argv[1]).href;
if (isMain) server.listen(Number(process.env.PORT ?? 8000));

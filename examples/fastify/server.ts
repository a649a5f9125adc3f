// A Fastify application as one writes it for a single process.
import Fastify from 'fastify';

const app = Fastify();
app.get('/', async () => `Fastify, process ${process.pid}.`);
app.post('/echo', async (request) => request.body);
await app.listen({ port: Number(process.env.PORT ?? 8000), host: '127.0.0.1' });

// An Express application as one writes it for a single process.
import express from 'express';

const app = express();
app.use(express.json());
app.get('/', (_request, response) => {
  response.send(`Express, process ${process.pid}.`);
});
app.post('/echo', (request, response) => {
  response.json(request.body);
});
app.listen(Number(process.env.PORT ?? 8000));

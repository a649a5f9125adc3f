// A WebSocket echo with ws. GET / names the process that answers.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer((_request, response) => response.end(`WebSocket echo, process ${process.pid}.`));

new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data) => socket.send(`${process.pid}: ${data}`));
});

server.listen(Number(process.env.PORT ?? 8000));

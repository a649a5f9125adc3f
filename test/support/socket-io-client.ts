// A client of Socket.IO with an address and connections of its own.

import { Agent } from 'node:http';
import { io, type Socket } from 'socket.io-client';

export interface SocketIoClient {
  socket: Socket;
  agent: Agent;
  disconnects: number;
}

/** `address`: that of the client. Answers are asked for by HTTP long-polling. */
export function openSocketIo(port: number, address: string): SocketIoClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, localAddress: address });
  const options = { transports: ['polling'], agent, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };
  const socket = io(`http://127.0.0.1:${port}`, options as unknown as Parameters<typeof io>[1]);
  const client: SocketIoClient = { socket, agent, disconnects: 0 };
  socket.on('disconnect', () => {
    client.disconnects += 1;
  });
  return client;
}

export async function say({ socket }: SocketIoClient, text: string): Promise<string> {
  return await socket.timeout(3000).emitWithAck('say', text);
}

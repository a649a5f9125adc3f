// Connections that must not change their worker, because something of theirs would stay behind, never do: a draining worker
// serves them to their end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { writeCertificate } from '../../support/certificate.ts';
import { DataPlaneRig } from '../../support/data-plane-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import type { RigWorker } from '../../support/worker-rig.ts';

interface Scene {
  rig: DataPlaneRig;
  port: number;
  old: RigWorker;
  /** A sibling appears, and the old worker drains. */
  drain(): Promise<RigWorker>;
}

async function scene(kind: string, play: (scene: Scene) => Promise<void>): Promise<void> {
  await using rig = new DataPlaneRig('kernel');
  const port = await freePort();
  const { keyFile, certFile } = writeCertificate(rig.dir);
  const env = { PORT: String(port), KIND: kind, TLS_KEY: keyFile, TLS_CERT: certFile };
  const transfer = kind === 'unused' ? 'unused' : 'idle';
  const options = { fixture: 'data-plane/immovable.cjs', env, transfer } as const;
  const old = await rig.start(options);
  await play({
    ...{ rig, port, old },
    drain: async () => {
      const next = await rig.start(options);
      rig.drain(old);
      // Long enough for a move, if there were one: a draining worker tries again every few milliseconds.
      await delay(150);
      return next;
    },
  });
}

class Wire {
  readonly socket: Socket;
  text = '';
  bytes = 0;
  ended = false;

  constructor(socket: Socket, keepText = true) {
    this.socket = socket;
    socket.on('data', (data: Buffer) => {
      this.bytes += data.length;
      if (keepText) this.text += data;
    });
    socket.on('error', (error) => {
      this.text += `ERROR ${error.message}`;
    });
    socket.on('close', () => {
      this.ended = true;
    });
  }

  async says(pattern: RegExp): Promise<void> {
    await eventually(`${pattern} in ${this.text.slice(0, 200)}`, () => pattern.test(this.text));
    this.text = '';
  }
}

const get = (path = '/') => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

for (const kind of ['https', 'proxy', 'listener', 'property', 'symbol', 'watched', 'unused'] as const) {
  test(`${kind}: an idle keep-alive connection stays, and is told to close with its next answer`, async () => {
    await scene(kind, async ({ rig, port, old, drain }) => {
      const wire = new Wire(kind === 'https' ? tls.connect({ port, rejectUnauthorized: false }) : connect(port));
      wire.socket.write(`${kind === 'proxy' ? 'PROXY TCP4 192.0.2.7\r\n' : ''}${get()}`);
      await wire.says(new RegExp(`${old.pid}${kind === 'proxy' ? ' for PROXY TCP4 192.0.2.7' : ''}`));
      await drain();
      wire.socket.write(get());
      await wire.says(new RegExp(`connection: close(.|\\s)*${old.pid}${kind === 'proxy' ? ' for PROXY' : ''}`, 'i'));
      await eventually('it closes', () => wire.ended);
      assert.equal(rig.plane.transfers(), 0);
      await eventually('the worker is drained', () => old.drained);
    });
  });
}

test('what an application reads from a connection, sets on it or takes off it again does not keep it', async () => {
  await scene('touched', async ({ rig, port, old, drain }) => {
    const wire = new Wire(connect(port));
    for (const path of ['/', '/again']) {
      wire.socket.write(get(path));
      await wire.says(new RegExp(`${old.pid}$`));
    }
    const next = await drain();
    await eventually('it has moved', () => rig.plane.transfers() === 1);
    wire.socket.write(get());
    await wire.says(new RegExp(`${next.pid}$`));
    wire.socket.destroy();
  });
});

test('an answer that is under way when the drain begins is no state of the application', async () => {
  await scene('plain', async ({ rig, port, old, drain }) => {
    const wire = new Wire(connect(port), false);
    wire.socket.write(get('/large'));
    wire.socket.pause();
    await eventually('the answer is under way', () => wire.socket.readableLength > 0);
    await drain();
    wire.socket.resume();
    await eventually('it has moved', () => wire.bytes > 20_000_000 && rig.plane.transfers() === 1);
    wire.socket.destroy();
    await eventually('the worker is drained', () => old.drained);
  });
});

test('HTTP/2: a session stays until its streams are done', async () => {
  await scene('http2', async ({ rig, port, old, drain }) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on('error', () => {});
    const ask = async () => String(await once(session.request({ ':path': '/' }), 'data'));
    assert.equal(await ask(), String(old.pid));
    const closed = once(session, 'close');
    await drain();
    await closed;
    assert.equal(rig.plane.transfers(), 0);
  });
});

test('HTTP/2: a client that reads slowly gets its whole answer, and its worker does not die of the GOAWAY', async () => {
  await scene('http2', async ({ port, old, drain }) => {
    const frame = (type: number, flags: number, stream: number, payload: number[]) =>
      Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream, ...payload]);
    const wire = new Wire(connect(port), false);
    const most = [0x7f, 0xff, 0xff, 0xff];
    const path = [...Buffer.from('/large')];
    wire.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    // As much at once as there is, on each stream and on the connection.
    wire.socket.write(frame(4, 0, 0, [0, 4, ...most]));
    wire.socket.write(frame(8, 0, 0, [0x7f, 0xfe, 0xff, 0xff]));
    // GET http://x/large
    wire.socket.write(frame(1, 5, 1, [0x82, 0x86, 0x44, path.length, ...path, 0x41, 1, 0x78]));
    await eventually('the answer has begun', () => wire.bytes > 10_000);
    wire.socket.pause();
    await drain();
    // Long enough for more than one try to write between what the client has not read.
    await delay(100);
    wire.socket.resume();
    await eventually('every byte has come', () => wire.bytes > 20_000_000);
    await eventually('the worker is drained', () => old.drained);
  });
});

for (const kind of ['upgrade', 'net'] as const) {
  test(`${kind}: a connection that does not speak HTTP/1 stays`, async () => {
    await scene(kind, async ({ rig, port, old, drain }) => {
      const wire = new Wire(connect(port));
      if (kind === 'upgrade') {
        wire.socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
        await wire.says(/101/);
      }
      wire.socket.write('one');
      await wire.says(new RegExp(`${old.pid} one`));
      await drain();
      wire.socket.write('two');
      await wire.says(new RegExp(`${old.pid} two`));
      assert.equal(rig.plane.transfers(), 0);
      wire.socket.end();
      await eventually('the worker is drained', () => old.drained);
    });
  });
}

test('half a request head stays with the worker that has read it; the connection moves when it is answered', async () => {
  await scene('plain', async ({ rig, port, old, drain }) => {
    const wire = new Wire(connect(port));
    wire.socket.write(get());
    await wire.says(new RegExp(`${old.pid}$`));
    wire.socket.write('GET /half HTTP/1.1\r\nho');
    await delay(50);
    const next = await drain();
    assert.equal(rig.plane.transfers(), 0);
    wire.socket.write('st: x\r\n\r\n');
    await wire.says(new RegExp(`${old.pid}$`));
    await eventually('it has moved', () => rig.plane.transfers() === 1);
    wire.socket.write(get());
    await wire.says(new RegExp(`${next.pid}$`));
    wire.socket.destroy();
    await eventually('the worker is drained', () => old.drained);
  });
});

test('a body that nobody has read, and an answer that is not written out, keep their connection', async () => {
  await scene('plain', async ({ rig, port, old, drain }) => {
    const unread = new Wire(connect(port));
    unread.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nbeginning');
    await unread.says(/early/);
    const unwritten = new Wire(connect(port), false);
    unwritten.socket.write(get('/large'));
    unwritten.socket.pause();
    await delay(50);
    await drain();
    assert.equal(rig.plane.transfers(), 0);
    unwritten.socket.resume();
    await eventually('every byte has come', () => unwritten.bytes > 20_000_000);
    unread.socket.destroy();
    unwritten.socket.destroy();
    await eventually('the worker is drained', () => old.drained);
  });
});

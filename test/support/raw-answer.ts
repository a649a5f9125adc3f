// One answer of HTTP/1.1 in what a socket has received, for clients that let nothing stand between them and the wire (load-client.ts,
// chaotic-client.ts). It understands answers with a Content-Length, which is all that the fixtures under load send.

export interface RawAnswer {
  status: number;
  pid: number | null;
  version: string | null;
  body: Buffer;
  /** The server said that it closes the connection after this answer. */
  last: boolean;
}

const headEnd = Buffer.from('\r\n\r\n');

/** The first answer and what follows it; null as long as it is not whole, `corrupt` if it is none. */
export function readAnswer(received: Buffer): { answer: RawAnswer; rest: Buffer } | 'corrupt' | null {
  const end = received.indexOf(headEnd);
  if (end === -1) return null;
  const head = received.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
  if (length === undefined || status === undefined) return 'corrupt';
  const total = end + 4 + Number(length);
  if (received.length < total) return null;
  const answer = {
    status: Number(status),
    pid: Number(/\r\nx-pid: *(\d+)/i.exec(head)?.[1] ?? Number.NaN) || null,
    version: /\r\nx-version: *([^\r]*)/i.exec(head)?.[1] ?? null,
    body: received.subarray(end + 4, total),
    last: /\r\nconnection: *close/i.test(head),
  };
  return { answer, rest: received.subarray(total) };
}

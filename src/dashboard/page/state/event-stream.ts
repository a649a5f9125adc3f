// Server-sent events by fetch(): unlike the browser's EventSource it can send the token, and says why a stream was refused.

import { ApiError, authorization, problemOf } from './api.ts';

export interface StreamMessage {
  id: string;
  event: string;
  data: string;
}

export interface StreamListener {
  open(): void;
  message(message: StreamMessage): void;
  /** Called once, however it ends; not after close(). */
  end(error: ApiError | null): void;
}

/** Follows the stream until it ends or the returned function is called. */
export function openStream(path: string, listener: StreamListener): () => void {
  const abort = new AbortController();
  read(path, abort.signal, listener).then(
    () => abort.signal.aborted || listener.end(null),
    (error: unknown) =>
      abort.signal.aborted ||
      listener.end(error instanceof ApiError ? error : new ApiError(0, 'The supervisor does not answer.')),
  );
  return () => abort.abort();
}

async function read(path: string, signal: AbortSignal, listener: StreamListener): Promise<void> {
  const response = await fetch(path, { signal, cache: 'no-store', headers: authorization() });
  if (!response.ok || !response.body) throw new ApiError(response.status, await problemOf(response));
  listener.open();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const message = parse(block);
      if (message) listener.message(message);
    }
  }
}

/** Null for a comment: it only keeps the connection alive. */
function parse(block: string): StreamMessage | null {
  const message = { id: '', event: 'message', data: '' };
  let found = false;
  for (const line of block.split('\n')) {
    const [, field, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'data') {
      message.data = found ? `${message.data}\n${value}` : (value ?? '');
      found = true;
    } else if (field === 'id' || field === 'event') message[field] = value ?? '';
  }
  return found ? message : null;
}

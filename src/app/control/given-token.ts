// The token of the admin API that whoever starts tutti brings along, such as the Secret of a cluster: those who read the metrics of many
// containers know it beforehand. It is no option, because everybody sees command lines. Part of the composition. Runs in the primary.

import { TOKEN_SHAPE } from '../../admin/server/token.ts';

/** For the primary alone: workers do not get it. */
export const TOKEN_VARIABLE = 'TUTTI_TOKEN';

/** `problem`: why what was brought along is not used. */
export function givenToken(env: Readonly<Record<string, string | undefined>>): {
  token: string | null;
  problem: string | null;
} {
  const text = env[TOKEN_VARIABLE]?.trim() ?? '';
  if (text === '') return { token: null, problem: null };
  if (TOKEN_SHAPE.test(text)) return { token: text, problem: null };
  const problem = `${TOKEN_VARIABLE} is not used: a token must be 32 to 128 letters, digits, "-" and "_", and it has ${text.length} characters, or others (openssl rand -hex 32 makes one)`;
  return { token: null, problem };
}

// Text as YAML, Compose and Dockerfiles need it: what means something to them is made to mean itself. Pure.

/** Words that YAML 1.1, which Kubernetes and older tools read, does not take for text. */
const notText = /^(y|n|yes|no|on|off|true|false|null|\.?nan|\.?inf)$/i;

/** A string in YAML, in quotes: JSON's form is YAML's, too, but for line breaks and controls that only YAML takes for such. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A string in YAML, also as a key. */
export function yaml(text: string): string {
  return /^[A-Za-z/][\w./-]*(:[\w./-]+)*$/.test(text) && !notText.test(text) ? text : quoted(text);
}

export function yamlList(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(', ')}]`;
}

/** A word of a command in a comment, to be copied into a shell. It stays on its line. */
export function forShell(text: string): string {
  if (/^[\w./:@%+=,-]+$/.test(text)) return text;
  const inQuotes = text
    .replaceAll("'", "'\\''")
    .replace(/[\n\r]/g, (sign) => (sign === '\n' ? "'$'\\n''" : "'$'\\r''"));
  return `'${inQuotes}'`;
}

/** A path in .dockerignore, which knows patterns, exceptions and comments. */
export function forIgnore(path: string): string {
  return path.replace(/[\\*?[\]!#]/g, '\\$&');
}

/** In Compose and stack files `$` begins a variable. */
export function forCompose(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** In a container's variables and arguments Kubernetes replaces `$(NAME)`. */
export function forKubernetes(text: string): string {
  return text.replaceAll('$(', '$$$$(');
}

/** The value of a variable in a Dockerfile. */
export function forEnv(text: string): string {
  return /^[\w./:@,+=-]+$/.test(text) ? text : `"${text.replace(/[\\"$]/g, '\\$&')}"`;
}

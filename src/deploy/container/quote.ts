// Text as YAML, Compose and Dockerfiles need it: what means something to them is made to mean itself. Pure.

/** Words that YAML 1.1, which Kubernetes and older tools read, does not take for text. */
const notText = /^(y|n|yes|no|on|off|true|false|null|\.?nan|\.?inf)$/i;

/** A string in YAML. JSON's form is YAML's, too. */
export function yaml(text: string): string {
  return /^[A-Za-z/][\w./-]*(:[\w./-]+)*$/.test(text) && !notText.test(text) ? text : JSON.stringify(text);
}

export function yamlList(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;
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

// Text as the files of systemd need it: what means something to systemd there is made to mean itself. Pure.

/** A value that systemd expands specifiers in, such as WorkingDirectory=. */
export function literal(text: string): string {
  return text.replaceAll('%', '%%');
}

/** One word of a value that systemd splits at blanks, such as Environment=. */
export function word(text: string): string {
  const plain = literal(text);
  return /^[\w@%+=:,./-]+$/.test(plain) ? plain : `"${escaped(plain)}"`;
}

/** A command line: variables mean themselves too. */
export function commandLine(argv: readonly string[]): string {
  return argv.map((argument) => word(argument.replaceAll('$', '$$$$'))).join(' ');
}

/** A line of an EnvironmentFile=, which knows no specifiers. */
export function assignment(name: string, value: string): string {
  return `${name}="${value.replace(/[\\"$`]/g, '\\$&')}"`;
}

function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r');
}

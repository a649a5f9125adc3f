// Lines that a program wrote for a terminal, as text for a page: escape sequences are taken out, everything else stays what it is.

// Built from codes, so that no control character stands in this file.
const esc = String.fromCharCode(27);
const bell = String.fromCharCode(7);
const sequences = new RegExp(
  [
    `${esc}\\[[0-?]*[ -/]*[@-~]`, // CSI: colours, cursor
    `${esc}\\][^${bell}${esc}]*(?:${bell}|${esc}\\\\)`, // OSC: titles, links
    `${esc}[ -/]*[0-~]`, // two-character sequences
  ].join('|'),
  'g',
);
const controls = new RegExp(
  `[${String.fromCharCode(0)}-${String.fromCharCode(8)}${String.fromCharCode(11)}-${String.fromCharCode(31)}${String.fromCharCode(127)}]`,
  'g',
);

export function plainText(line: string): string {
  return line.replace(sequences, '').replace(controls, '');
}

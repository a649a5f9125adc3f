// The filter that text from elsewhere passes before a person's terminal shows it: lines of workers, messages of errors, paths of requests.
// Colours stay. What would move the cursor, clear the screen, write over a line or turn its direction is shown instead of done. Pure.

// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one
const color = /\u001b\[([0-9;:]*)m/;
const control = /(?![\t\n])\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const pattern = new RegExp(`${color.source}|${control.source}`, 'gu');

const names: Record<string, string> = { '\r': '\\r', '\b': '\\b', '\f': '\\f' };
const reset = '\u001b[0m';

/** Lines and tabs stay lines and tabs. Colours end with their line. Escapes are those of JSON, whose meaning so stays the same. */
export function visible(text: string): string {
  if (text.search(pattern) < 0) return text;
  return text
    .split('\n')
    .map((line) => {
      let isOpen = false;
      const shown = line.replace(pattern, (found, parameters: string | undefined) => {
        if (parameters === undefined || isHiding(parameters)) return escaped(found);
        isOpen = !/^(0?|22|2[3-9]|39|49)$/.test(parameters);
        return found;
      });
      return isOpen ? shown + reset : shown;
    })
    .join('\n');
}

/** For what must stay one line, however many its text would be. */
export function oneLine(text: string): string {
  return visible(text.replace(/\r?\n$|\r$/, '')).replaceAll('\n', '\\n');
}

/** For tutti's own lines: what follows the first is set in, so that none of them passes for another line of tutti. */
export function ownLines(text: string): string {
  return visible(text).replace(/\n(?! )/g, '\n  ');
}

/** A number after 38, 48 or 58 belongs to a colour. */
function isHiding(parameters: string): boolean {
  return parameters
    .replace(/[345]8;(5;\d*|2;\d*;\d*;\d*)/g, '')
    .split(';')
    .some((parameter) => Number(parameter) === 8);
}

function escaped(found: string): string {
  const [first = ''] = found;
  return (names[first] ?? `\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}`) + found.slice(1);
}

// Numbers, sizes and times in the few characters that a card has room for.

export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value >= 1e9) return `${trim(value / 1e9)}G`;
  if (value >= 1e6) return `${trim(value / 1e6)}M`;
  if (value >= 10_000) return `${trim(value / 1e3)}k`;
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US');
  return trim(value);
}

/** Of something that happens per second: `10` for 9.99, which is 10 in a second that was a little long. */
export function formatRate(perSecond: number): string {
  return formatCount(Math.round(perSecond * 10) / 10);
}

export function formatBytes(bytes: number): { value: string; unit: string } {
  if (bytes >= 1024 ** 3) return { value: trim(bytes / 1024 ** 3), unit: 'GB' };
  if (bytes >= 1024 ** 2) return { value: trim(bytes / 1024 ** 2), unit: 'MB' };
  return { value: trim(bytes / 1024), unit: 'kB' };
}

export function formatMs(ms: number | null): { value: string; unit: string } {
  if (ms === null || !Number.isFinite(ms)) return { value: '–', unit: '' };
  if (ms >= 1_000) return { value: trim(ms / 1000), unit: 's' };
  return { value: trim(ms), unit: 'ms' };
}

/** `3 d 4 h`, `12 min 5 s`, `0.4 s`: the two largest units, or only the largest one. */
export function formatDuration(ms: number, units = 2): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms / 100) / 10)} s`;
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + units)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

export function formatClock(at: string | number, withSeconds = true): string {
  return new Date(at).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    ...(withSeconds && { second: '2-digit' }),
    hour12: false,
  });
}

/** The clock today, the day before that. */
export function formatWhen(at: string): string {
  const date = new Date(at);
  if (date.toDateString() === new Date().toDateString()) return formatClock(at);
  return date.toLocaleDateString([], { day: 'numeric', month: 'short' });
}

function trim(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

// Numbers for people: as short as a column of a table needs. Pure.

const kilo = 1024;

/** `512K`, `61M`, `1.5G`. */
export function bytes(value: number): string {
  if (value < kilo) return `${value}B`;
  const units = ['K', 'M', 'G', 'T'];
  let scaled = value / kilo;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= kilo;
    unit += 1;
  }
  return `${scaled < 9.95 && unit > 0 ? scaled.toFixed(1) : Math.round(scaled)}${units[unit]}`;
}

/** The two largest units: `45s`, `3m 20s`, `2h 5m`, `11d 4h`. */
export function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

export function percent(value: number): string {
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}%`;
}

/** `0.4`, `12`, `3.4k`, `1.2M`. */
export function amount(value: number): string {
  if (value < 1000) return value < 9.95 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value));
  if (value < 999_500) return `${value < 99_950 ? (value / 1000).toFixed(1) : Math.round(value / 1000)}k`;
  return `${(value / 1e6).toFixed(1)}M`;
}

export function milliseconds(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1000)}s`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)}s`;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}ms`;
}

// A small line without axes: how it went lately, not how much it was.

interface Props {
  /** Null: nothing was measured, which is not 0; the line goes from the point before to the one after. */
  values: readonly (number | null)[];
  /** Points the width stands for; a shorter line begins further right. */
  length: number;
  label: string;
  /** The scale never gets smaller than this, so that noise around zero looks like zero. */
  floor: number;
}

const width = 120;
const height = 28;

export function Sparkline({ values, length, label, floor }: Props) {
  const top = Math.max(floor, ...values.map((value) => value ?? 0));
  const step = width / (length - 1);
  const start = width - (values.length - 1) * step;
  const points = values.flatMap((value, index) => {
    if (value === null) return [];
    const y = height - 2 - (Math.max(0, value) / top) * (height - 4);
    return { x: (start + index * step).toFixed(1), y: y.toFixed(1) };
  });
  const [first] = points;
  const last = points.at(-1);
  const line = points.map(({ x, y }) => `${x},${y}`).join(' ');
  if (first === undefined || last === undefined || first === last)
    return <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" />;
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon class="sparkline-area" points={`${first.x},${height} ${line} ${last.x},${height}`} />
      <polyline class="sparkline-line" points={line} />
    </svg>
  );
}

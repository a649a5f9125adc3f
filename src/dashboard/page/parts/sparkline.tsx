// A small line without axes: how it went lately, not how much it was.

interface Props {
  values: readonly number[];
  /** Points the width stands for; a shorter line begins further right. */
  length: number;
  label: string;
  /** The scale never gets smaller than this, so that noise around zero looks like zero. */
  floor: number;
}

const width = 120;
const height = 28;

export function Sparkline({ values, length, label, floor }: Props) {
  const top = Math.max(floor, ...values);
  const step = width / (length - 1);
  const start = width - (values.length - 1) * step;
  const points = values.map((value, index) => {
    const x = start + index * step;
    const y = height - 2 - (Math.max(0, value) / top) * (height - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  if (points.length < 2) return <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" />;
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon class="sparkline-area" points={`${start.toFixed(1)},${height} ${points.join(' ')} ${width},${height}`} />
      <polyline class="sparkline-line" points={points.join(' ')} />
    </svg>
  );
}

// The little of echarts' types that the report uses; the library itself lives in the peers' cache folder.
export function init(
  dom: null,
  theme: null,
  options: { renderer: 'svg'; ssr: true; width: number; height: number },
): { setOption(option: object): void; renderToSVGString(): string };

// The script of a flame graph's page: draws the tree that the page holds. Bundled by the build, with the library, into one file.

import flamegraph from 'd3-flame-graph';
import { select } from 'd3-selection';
import '../../../node_modules/d3-flame-graph/dist/d3-flamegraph.css';

const tree = JSON.parse(document.getElementById('profile').textContent);
const details = document.getElementById('details');
const chart = flamegraph()
  .width(document.getElementById('chart').clientWidth)
  .cellHeight(20)
  .transitionDuration(0)
  .minFrameSize(2)
  .sort((a, b) => a.data.name.localeCompare(b.data.name))
  .label((node) => `${node.data.name} ${node.data.place}: ${(node.value / 1000).toFixed(1)} ms`)
  .setDetailsElement(details);
select('#chart').datum(tree).call(chart);
document.getElementById('search').addEventListener('input', (event) => {
  if (event.target.value === '') chart.clear();
  else chart.search(event.target.value);
});
document.getElementById('reset').addEventListener('click', () => chart.resetZoom());

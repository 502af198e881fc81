// Draws the differential flame graphs of a page: one for each element of the class `flames`, from the JSON beside it.
"use strict";

const { select, flamegraph } = globalThis.flame;
const micros = (seconds) => `${(seconds * 1e6).toFixed(1)} µs`;
const signed = (seconds) => `${seconds < 0 ? "−" : "+"}${micros(Math.abs(seconds))}`;

function tree(flames) {
  const root = { name: "all", value: 0, children: [], old: 0, new: 0 };
  const nodes = flames.name.map((at) => ({ name: flames.names[at], children: [] }));
  // Children lie after their parents, so that from the end each has all its own when it is added.
  for (let at = nodes.length - 1; at >= 0; at -= 1) {
    const node = nodes[at];
    const own = [flames.baseline[at], flames.candidate[at]];
    node.value = Math.max(...own);
    node.old = own[0] + node.children.reduce((sum, each) => sum + each.old, 0);
    node.new = own[1] + node.children.reduce((sum, each) => sum + each.new, 0);
    (flames.parent[at] < 0 ? root : nodes[flames.parent[at]]).children.push(node);
  }
  root.old = root.children.reduce((sum, each) => sum + each.old, 0);
  root.new = root.children.reduce((sum, each) => sum + each.new, 0);
  return root;
}

function tint(node, most) {
  if (node.highlight) return "#ffd84d";
  const share = (node.data.new - node.data.old) / most;
  const [r, g, b] = share > 0 ? [232, 92, 74] : [72, 132, 232];
  const weight = Math.min(1, Math.sqrt(Math.abs(share)));
  const mixed = [r, g, b].map((part) => Math.round(238 + (part - 238) * weight));
  return `rgb(${mixed.join(",")})`;
}

for (const place of document.querySelectorAll(".flames")) {
  const data = JSON.parse(place.querySelector("script").textContent);
  const [picture, details] = [place.querySelector(".picture"), place.querySelector(".details")];
  const whole = details.textContent;
  const draw = () => {
    const root = tree(data);
    const most = root.children.length ? Math.max(...everyone(root).map((each) => Math.abs(each.new - each.old))) : 1;
    const chart = flamegraph()
      .width(picture.clientWidth)
      .cellHeight(18)
      .inverted(true)
      .selfValue(true)
      .resetHeightOnZoom(true)
      .transitionDuration(0)
      .sort((a, b) => b.value - a.value);
    chart.minFrameSize(1);
    chart.setColorMapper((node) => tint(node, most || 1));
    chart.setLabelHandler(({ data: { name, old, new: now } }) =>
      `${name}: ${micros(old)} → ${micros(now)} (${signed(now - old)})`);
    chart.setDetailsHandler((text) => { details.textContent = text || whole; });
    chart.setSearchHandler(() => {});
    picture.replaceChildren();
    select(picture).datum(root).call(chart);
    return chart;
  };
  let chart = draw();
  place.querySelector("input").addEventListener("input", ({ target }) => {
    if (target.value) chart.search(target.value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    else chart.clear();
  });
  place.querySelector("button").addEventListener("click", () => { chart = draw(); });
  let width = picture.clientWidth;
  new ResizeObserver(() => {
    if (picture.clientWidth !== width) {
      width = picture.clientWidth;
      chart = draw();
    }
  }).observe(picture);
}

function everyone(node) {
  return node.children.flatMap((each) => [each, ...everyone(each)]);
}

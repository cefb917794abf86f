// What `cargo xtask bench charts` calls in the page: `measure(spec)` draws one case with every contender in turn.

import { CONTENDERS } from "./contenders.js";
import { makeData } from "./data.js";
import init from "./chart_bench.js";

const channel = new MessageChannel();

// One animation frame: milliseconds until `draw` came back, and until the main thread had rendered it.
function frame(draw) {
  return new Promise((resolve, reject) => requestAnimationFrame(() => {
    const begin = performance.now();
    try {
      draw();
    } catch (error) {
      reject(error);
      return;
    }
    const drawn = performance.now();
    // A task of its own, and so behind this frame's style, layout, paint and, without a GPU, rasterising.
    channel.port1.onmessage = () => resolve([drawn - begin, performance.now() - begin]);
    channel.port2.postMessage(0);
  }));
}

function hostOf({ width, height }) {
  const host = document.body.appendChild(document.createElement("div"));
  Object.assign(host.style, { position: "relative", width: `${width}px`, height: `${height}px` });
  return host;
}

// Draws `spec.rounds` times `spec.frames` frames per contender, the contenders taking turns, and gives each one's
// milliseconds by kind: { "uplot": { "full": { draw: [...], frame: [...] }, "scroll": ... } }.
async function measure(spec) {
  const total = spec.points * 2;
  const data = makeData(spec.series, total, (spec.windowS * 1000) / spec.points);
  const charts = spec.contenders.map((name) => {
    const host = hostOf(spec);
    return { name, host, chart: CONTENDERS[name]({ ...spec, host, data, total }), figures: {} };
  });
  for (let round = -1; round < spec.rounds; round++) {
    for (const { chart, figures } of charts) {
      for (const kind of ["full", "scroll"]) {
        if (!chart[kind]) continue;
        figures[kind] ??= { draw: [], frame: [] };
        for (let i = 0; i < spec.frames; i++) {
          if (kind === "scroll" || !chart.scroll) chart.push?.();
          const [draw, whole] = await frame(chart[kind]);
          // The first round only warms.
          if (round < 0) continue;
          figures[kind].draw.push(draw);
          figures[kind].frame.push(whole);
        }
      }
    }
  }
  for (const { chart, host } of charts) {
    chart.end();
    host.remove();
  }
  return Object.fromEntries(charts.map(({ name, figures }) => [name, figures]));
}

await init();
Object.assign(window, { measure, isReady: true });

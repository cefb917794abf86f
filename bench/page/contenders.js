// One adapter per chart: `make(spec)` gives `{ full(), scroll(), end() }`. Both draw what they have to show before they
// return: `full` everything anew, `scroll` the picture after the data has moved on by `spec.k` points.

import { colorOf } from "./data.js";

const Y = { min: -1.5, max: 1.5 };

// Where the window stands in data that begins again when it ends.
class Window {
  constructor({ points, total, k }) {
    Object.assign(this, { points, total, k, start: 0 });
  }

  get end() {
    return this.start + this.points;
  }

  move() {
    this.start += this.k;
    if (this.total < this.end) this.start = 0;
  }
}

function canvasIn({ host, width, height }) {
  const canvas = host.appendChild(document.createElement("canvas"));
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function signalbox(spec) {
  const { host, series, points, width, height, windowS, data, k, total } = spec;
  const chart = window.chartBench.create({
    host, series, points, width, height, windowS, data: data.columns, k, total,
  });
  return {
    full: () => chart.redraw(),
    push: () => chart.push(),
    scroll: () => chart.draw(),
    end: () => chart.free(),
  };
}

// The same, when all of the window is new at once: nothing is drawn twice, and nothing of the picture can stay.
function signalboxJump(spec) {
  const chart = signalbox({ ...spec, k: spec.points });
  return { push: chart.push, full: chart.scroll, end: chart.end };
}

function uplot(spec) {
  const { host, series, width, height, data } = spec;
  const view = new Window(spec);
  const seconds = data.times.map((ms) => ms / 1000);
  const lines = Array.from({ length: series }, (_, i) => ({
    stroke: colorOf(i), width: 1.5, points: { show: false },
  }));
  const options = {
    width, height,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { auto: false, range: [Y.min, Y.max] } },
    series: [{}, ...lines],
  };
  const part = () => [seconds, ...data.columns].map((column) => column.subarray(view.start, view.end));
  const chart = new uPlot(options, part(), host);
  const show = () => chart.batch(() => {
    chart.setData(part(), false);
    chart.setScale("x", { min: seconds[view.start], max: seconds[view.end - 1] });
    chart.redraw(true, true);
  });
  return { full: show, push: () => view.move(), scroll: show, end: () => chart.destroy() };
}

function smoothie(spec) {
  const { width, data, windowS, points } = spec;
  const canvas = canvasIn(spec);
  const msPerPx = (windowS * 1000) / width;
  const chart = new SmoothieChart({
    millisPerPixel: msPerPx, interpolation: "linear", minValue: Y.min, maxValue: Y.max,
    grid: { millisPerLine: windowS * 100, verticalSections: 6 },
    timestampFormatter: SmoothieChart.timeFormatter,
  });
  // It measures this one even when it is told to draw on it; `streamTo` would also begin to draw by itself.
  chart.canvas = canvas;
  // It draws nothing unless time has moved by a pixel; without this, only 1/6 of a second later.
  let drawnMs = 0;
  const rows = data.columns.map((values, i) => {
    const row = new TimeSeries();
    for (let p = 0; p < points; p++) row.append(data.times[p], values[p]);
    chart.addTimeSeries(row, { strokeStyle: colorOf(i), lineWidth: 1.5 });
    return row;
  });
  let n = points;
  const interval = data.times[1] - data.times[0];
  const push = () => {
    for (let i = 0; i < spec.k; i++, n++) {
      for (const [s, row] of rows.entries()) row.append(data.times[0] + n * interval, data.columns[s][n % spec.total]);
    }
  };
  const draw = () => {
    chart.lastChartTimestamp = null;
    drawnMs = data.times[0] + (n - 1) * interval;
    chart.render(canvas, drawnMs);
  };
  return { full: draw, push, scroll: draw, end: () => chart.stop() };
}

function chartJs(spec) {
  const { data, series } = spec;
  const canvas = canvasIn(spec);
  const view = new Window(spec);
  const datasets = data.columns.map((values, i) => ({
    data: Array.from(values, (y, p) => ({ x: data.times[p], y })),
    borderColor: colorOf(i), borderWidth: 1.5, pointRadius: 0,
  }));
  const chart = new Chart(canvas, {
    type: "line",
    data: { datasets },
    options: {
      animation: false, parsing: false, normalized: true, responsive: false, events: [],
      plugins: {
        legend: { display: false }, tooltip: { enabled: false },
        decimation: { enabled: true, algorithm: "min-max" },
      },
      scales: { x: { type: "linear", display: true }, y: Y },
    },
  });
  const show = () => {
    const x = chart.options.scales.x;
    [x.min, x.max] = [data.times[view.start], data.times[view.end - 1]];
    chart.update("none");
  };
  show();
  return { full: show, push: () => view.move(), scroll: show, end: () => chart.destroy(), series };
}

// The floor: the lines alone as canvas calls, their places worked out in advance. No axes, no labels, no data.
function bare(spec) {
  const { data, points, width, height } = spec;
  const context = canvasIn(spec).getContext("2d");
  const perColumn = points / width;
  const lines = data.columns.map((values) => {
    const out = [];
    const add = (x, value) => out.push(x, ((Y.max - value) / (Y.max - Y.min)) * height);
    if (perColumn <= 2) values.subarray(0, points).forEach((value, i) => add(i / perColumn, value));
    for (let x = 0; 2 < perColumn && x < width; x++) {
      const column = values.subarray(Math.floor(x * perColumn), Math.floor((x + 1) * perColumn));
      add(x + 0.5, column.reduce((a, b) => Math.min(a, b)));
      add(x + 0.5, column.reduce((a, b) => Math.max(a, b)));
    }
    return Float64Array.from(out);
  });
  context.lineWidth = 1.5;
  const full = () => {
    context.clearRect(0, 0, width, height);
    lines.forEach((xy, i) => {
      context.strokeStyle = colorOf(i);
      context.beginPath();
      context.moveTo(xy[0], xy[1]);
      for (let p = 2; p < xy.length; p += 2) context.lineTo(xy[p], xy[p + 1]);
      context.stroke();
    });
  };
  return { full, end() {} };
}

export const CONTENDERS = {
  signalbox, "signalbox, new window": signalboxJump, uplot, smoothie, "chart.js": chartJs, "bare lines": bare,
};

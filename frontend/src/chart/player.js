// Plays command lists (commands.rs) on a chart's canvases, and moves its layers. No word here comes from data: texts
// arrive as UTF-16 units and are only ever drawn.

const PX = 1 / 16;

// Pictures of words, in device pixels; when no more fit, all are forgotten.
const SHEET = { width: 1024, height: 512 };

const css = (word) => `rgb(${word >>> 24} ${(word >>> 16) & 255} ${(word >>> 8) & 255} / ${(word & 255) / 255})`;

const inks = new Map();

function inkOf(word) {
  let ink = inks.get(word);
  if (ink === undefined) {
    if (inks.size === 512) inks.clear();
    ink = css(word);
    inks.set(word, ink);
  }
  return ink;
}

// Words of one font family, each drawn once and then copied: to set a text takes a browser some ten times as long, and
// each second has a text of its own. So times are cut before every colon: what is left are few words.
class Words {
  constructor(family) {
    this.family = family;
    this.context = document.createElement("canvas").getContext("2d");
    Object.assign(this.context.canvas, SHEET);
    this.context.textBaseline = "middle";
    this.clear();
  }

  clear() {
    this.context.clearRect(0, 0, SHEET.width, SHEET.height);
    this.styles = new Map();
    this.widths = new Map();
    [this.x, this.y, this.rowHeight] = [0, 0, 0];
  }

  width(word, size) {
    const key = `${size} ${word}`;
    let width = this.widths.get(key);
    if (width === undefined) {
      this.context.font = `${size}px ${this.family}`;
      width = this.context.measureText(word).width;
      if (this.widths.size === 1024) this.widths.clear();
      this.widths.set(key, width);
    }
    return width;
  }

  // Width of a whole text.
  measure(text, size) {
    let width = 0;
    for (const word of text.split(/(?=:)/)) width += this.width(word, size);
    return width;
  }

  // Where on the sheet a word stands; none of it can be wider than the sheet.
  place(word, size, ink) {
    const style = `${ink} ${size}`;
    let words = this.styles.get(style);
    if (words === undefined) this.styles.set(style, (words = new Map()));
    let place = words.get(word);
    if (place === undefined) {
      const [width, height] = [Math.min(Math.ceil(this.width(word, size)) + 2, SHEET.width), 2 * Math.ceil(size * 0.8)];
      if (SHEET.width < this.x + width) [this.x, this.y, this.rowHeight] = [0, this.y + this.rowHeight, 0];
      if (SHEET.height < this.y + height && 0 < this.y) {
        this.clear();
        return this.place(word, size, ink);
      }
      place = { x: this.x, y: this.y, width, height };
      words.set(word, place);
      this.x += width;
      this.rowHeight = Math.max(this.rowHeight, height);
      this.context.font = `${size}px ${this.family}`;
      this.context.fillStyle = inkOf(ink);
      this.context.fillText(word, place.x + 1, place.y + height / 2);
    }
    return place;
  }

  // Writes `text` on `context`: `align` is the part of its width that stands left of `x`, and `y` its middle. Only
  // whole pixels are copied, so that it is as sharp as it was drawn.
  write(context, text, x, y, size, ink, align) {
    const words = text.split(/(?=:)/);
    let left = x - (align && align * this.measure(text, size));
    for (const word of words) {
      const at = this.place(word, size, ink);
      const [to, top] = [Math.round(left) - 1, Math.round(y) - at.height / 2];
      context.drawImage(this.context.canvas, at.x, at.y, at.width, at.height, to, top, at.width, at.height);
      left += this.width(word, size);
    }
  }
}

// All charts of a page have one font, and most say the same times.
const families = new Map();

function wordsOf(family) {
  let words = families.get(family);
  if (words === undefined) {
    if (families.size === 4) families.clear();
    families.set(family, (words = new Words(family)));
  }
  return words;
}

// A function of its own: most of all time is spent here, and a browser makes a short loop fast sooner than a long one.
function trace(c, w, i, end) {
  c.moveTo(w[i] * PX, w[i + 1] * PX);
  for (i += 2; i < end; i += 2) c.lineTo(w[i] * PX, w[i + 1] * PX);
}

export class Player {
  constructor(canvases, movers, family) {
    this.contexts = canvases.map((canvas) => canvas.getContext("2d"));
    this.movers = movers;
    this.held = [];
    this.animations = [];
    this.words = wordsOf(family);
  }

  // Gives a canvas its size in device pixels; that wipes it and its state.
  resize(index, width, height) {
    const context = this.contexts[index];
    context.canvas.width = width;
    context.canvas.height = height;
    context.lineJoin = "round";
  }

  measure(text, size) {
    return this.words.measure(text, size);
  }

  play(w) {
    let c = this.contexts[0];
    for (let i = 0; i < w.length; ) {
      switch (w[i++]) {
        case 0:
          c = this.contexts[w[i++]];
          break;
        case 1:
          c.clearRect(w[i], w[i + 1], w[i + 2], w[i + 3]);
          i += 4;
          break;
        case 2:
          c.save();
          c.beginPath();
          c.rect(w[i], w[i + 1], w[i + 2], w[i + 3]);
          c.clip();
          i += 4;
          break;
        case 3:
          c.restore();
          break;
        case 4:
          c.strokeStyle = inkOf(w[i]);
          c.lineWidth = w[i + 1] * PX;
          c.beginPath();
          i += 2;
          break;
        case 5: {
          const end = i + 1 + 2 * w[i];
          trace(c, w, i + 1, end);
          i = end;
          break;
        }
        case 6:
          c.stroke();
          break;
        case 7:
          c.fillStyle = inkOf(w[i++]);
          c.fill();
          break;
        case 8:
          c.fillStyle = inkOf(w[i]);
          c.fillRect(w[i + 1] * PX, w[i + 2] * PX, w[i + 3] * PX, w[i + 4] * PX);
          i += 5;
          break;
        case 9:
          c.fillStyle = inkOf(w[i]);
          c.beginPath();
          c.arc(w[i + 1] * PX, w[i + 2] * PX, w[i + 3] * PX, 0, 2 * Math.PI);
          c.fill();
          i += 4;
          break;
        case 10: {
          const end = i + 6 + w[i + 5];
          const text = String.fromCharCode(...w.subarray(i + 6, end));
          this.words.write(c, text, w[i + 1] * PX, w[i + 2] * PX, w[i + 4] * PX, w[i], w[i + 3] / 2);
          i = end;
          break;
        }
        default:
          throw new Error(`no command ${w[i - 1]} at ${i - 1}`);
      }
    }
  }

  // Puts the layer `index` at `x` CSS pixels and leaves it there.
  hold(index, x) {
    this.animations[index]?.cancel();
    this.animations[index] = undefined;
    if (this.held[index] !== x) this.movers[index].style.transform = `translateX(${x}px)`;
    this.held[index] = x;
  }

  // Lets the compositor move the layer `index` from `x` CSS pixels to the left: `n` steps of `step` CSS pixels, each
  // lasting `stepMs`, of which `phaseMs` have passed already.
  scroll(index, x, n, step, stepMs, phaseMs) {
    const mover = this.movers[index];
    const before = this.animations[index];
    const animation = mover.animate(
      [{ transform: `translateX(${x}px)` }, { transform: `translateX(${x - n * step}px)` }],
      { duration: n * stepMs, easing: `steps(${n}, end)`, fill: "forwards" },
    );
    animation.currentTime = phaseMs;
    this.animations[index] = animation;
    before?.cancel();
  }

  end() {
    for (const animation of this.animations) animation?.cancel();
  }
}

let probe;

// Red, green and blue of any CSS colour, as 0xRRGGBB: drawn and read back, for browsers write colours in many ways.
export function rgbOf(color) {
  if (!probe) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    probe = canvas.getContext("2d", { willReadFrequently: true });
  }
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = "black";
  probe.fillStyle = color;
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  return (r << 16) | (g << 8) | b;
}

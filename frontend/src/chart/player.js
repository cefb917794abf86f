// Plays command lists (commands.rs) on a chart's canvases, and moves its layers. No word here comes from data: texts
// arrive as UTF-16 units and are only ever drawn.

const PX = 1 / 16;

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

// Hours, minutes and seconds as clocks write them: what every time label is made of. The first of a label stands alone,
// the others follow a colon.
const [N_FIRST, N_OTHERS, COLON, ZERO] = [24, 60, 58, 48];
const CLOCK = /^\d\d(:\d\d)+$/;

const clockWord = (n) => (n < N_FIRST ? "" : ":") + String(n < N_FIRST ? n : n - N_FIRST).padStart(2, "0");

// Two digits, from their UTF-16 units; not a number where they are none.
function two(w, i) {
  const tens = w[i] - ZERO;
  const ones = w[i + 1] - ZERO;
  return 0 <= tens && tens <= 9 && 0 <= ones && ones <= 9 ? 10 * tens + ones : NaN;
}

// Whether the UTF-16 units from `i` to `end` are hours and minutes, perhaps seconds. By numbers: a string for each label
// of each frame takes longer than to draw it.
function isClock(w, i, end) {
  if ((end - i !== 5 && end - i !== 8) || !(two(w, i) < N_FIRST)) return false;
  for (i += 2; i < end; i += 3) if (w[i] !== COLON || !(two(w, i + 1) < N_OTHERS)) return false;
  return true;
}

// Texts of one font family. To set one takes a browser some ten times as long as to copy it, and each second has a text
// of its own: so the words of clocks are drawn once, all together, and copied from then on.
class Texts {
  constructor(family) {
    this.family = family;
    this.sheets = new Map();
    this.widths = new Map();
    this.ruler = document.createElement("canvas").getContext("2d");
  }

  // Width of a text in device pixels.
  measure(text, size) {
    // Digits are of one width in any font worth reading, and a clock's words stand at whole pixels.
    const key = `${size} ${CLOCK.test(text) ? text.replace(/\d/g, "0") : text}`;
    let width = this.widths.get(key);
    if (width === undefined) {
      if (this.widths.size === 512) this.widths.clear();
      this.ruler.font = `${size}px ${this.family}`;
      width = this.ruler.measureText(text).width;
      this.widths.set(key, width);
    }
    return width;
  }

  // The words of clocks in one size and ink, each in a cell of its own.
  sheet(size, ink) {
    if (this.last !== undefined && this.last.size === size && this.last.ink === ink) return this.last;
    const key = `${size} ${ink}`;
    let sheet = this.sheets.get(key);
    if (sheet === undefined) {
      // A theme and a size more than a page has at once.
      if (this.sheets.size === 4) this.sheets.clear();
      const [width, height, perRow] = [Math.ceil(this.measure(":00", size)) + 4, 2 * Math.ceil(size * 0.8), 12];
      const canvas = new OffscreenCanvas(width * perRow, (height * (N_FIRST + N_OTHERS)) / perRow);
      const context = canvas.getContext("2d");
      Object.assign(context, { font: `${size}px ${this.family}`, textBaseline: "middle", fillStyle: inkOf(ink) });
      for (let n = 0; n < N_FIRST + N_OTHERS; n++) {
        context.fillText(clockWord(n), (n % perRow) * width + 1, (Math.floor(n / perRow) + 0.5) * height);
      }
      const [first, other] = [this.measure("00", size), this.measure(":00", size)].map(Math.round);
      const units = [5, 8].map((n) => [n, this.measure("00:00:00".slice(0, n), size)]);
      // A picture that cannot change is copied sooner than a canvas.
      const image = canvas.transferToImageBitmap();
      sheet = { size, ink, image, width, height, perRow, first, other, widths: new Map(units) };
      this.sheets.set(key, sheet);
    }
    this.last = sheet;
    return sheet;
  }

  // Writes the UTF-16 units of `w` from `i` to `end` on `context`: `align` is the part of their width that stands left
  // of `x`, and `y` their middle.
  write(context, w, i, end, x, y, size, ink, align) {
    if (isClock(w, i, end)) {
      this.copyClock(context, w, i, end, x, y, this.sheet(size, ink), align);
      return;
    }
    const [text, font] = [String.fromCharCode(...w.subarray(i, end)), `${size}px ${this.family}`];
    // To tell a canvas its font anew is not free.
    if (context.toldFont !== font) context.font = context.toldFont = font;
    context.fillStyle = inkOf(ink);
    context.fillText(text, align === 0 ? x : x - align * this.measure(text, size), y);
  }

  copyClock(context, w, i, end, x, y, sheet, align) {
    const { image, width, height, perRow, first, other } = sheet;
    // Whole pixels, so that a copy is as sharp as what it was made from.
    const top = Math.round(y) - height / 2;
    let to = Math.round(x - align * sheet.widths.get(end - i)) - 1;
    for (let n = two(w, i); ; n = N_FIRST + two(w, i + 1)) {
      context.drawImage(
        image, (n % perRow) * width, Math.floor(n / perRow) * height, width, height, to, top, width, height,
      );
      to += n < N_FIRST ? first : other;
      i += n < N_FIRST ? 2 : 3;
      if (end <= i) return;
    }
  }
}

// All charts of a page have one font, and most say the same times.
const families = new Map();

function textsOf(family) {
  let texts = families.get(family);
  if (texts === undefined) {
    if (families.size === 4) families.clear();
    families.set(family, (texts = new Texts(family)));
  }
  return texts;
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
    this.texts = textsOf(family);
  }

  // Gives a canvas its size in device pixels; that wipes it and its state.
  resize(index, width, height) {
    const context = this.contexts[index];
    context.canvas.width = width;
    context.canvas.height = height;
    // Of lines so thin nobody sees how they are joined, and a browser without a GPU takes an eighth less time for these.
    context.lineJoin = "bevel";
    context.textBaseline = "middle";
    context.toldFont = undefined;
  }

  measure(text, size) {
    return this.texts.measure(text, size);
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
          this.texts.write(c, w, i + 6, end, w[i + 1] * PX, w[i + 2] * PX, w[i + 4] * PX, w[i], w[i + 3] / 2);
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

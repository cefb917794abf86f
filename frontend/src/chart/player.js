// Plays command lists (commands.rs) on a chart's canvases, and moves its layers. No word here comes from data: texts
// arrive as UTF-16 units and are only ever drawn.

const PX = 1 / 16;
const ALIGN = ["left", "center", "right"];

const css = (word) => `rgb(${word >>> 24} ${(word >>> 16) & 255} ${(word >>> 8) & 255} / ${(word & 255) / 255})`;

export class Player {
  constructor(canvases, movers, family) {
    this.contexts = canvases.map((canvas) => canvas.getContext("2d"));
    this.movers = movers;
    this.animations = [];
    this.family = family;
    this.inks = new Map();
    // What each canvas has been told of its text; telling it again is not free.
    this.texts = canvases.map(() => ({}));
  }

  // Gives a canvas its size in device pixels; that wipes it and its state.
  resize(index, width, height) {
    const context = this.contexts[index];
    context.canvas.width = width;
    context.canvas.height = height;
    context.lineJoin = "round";
    context.textBaseline = "middle";
    this.texts[index] = {};
  }

  ink(word) {
    let ink = this.inks.get(word);
    if (ink === undefined) {
      if (this.inks.size === 512) this.inks.clear();
      ink = css(word);
      this.inks.set(word, ink);
    }
    return ink;
  }

  // Readies a canvas for text. Not within a clip: restoring would undo it unseen.
  type(index, size, align) {
    const [context, told] = [this.contexts[index], this.texts[index]];
    if (told.size !== size) context.font = `${(told.size = size)}px ${this.family}`;
    if (told.align !== align) context.textAlign = ALIGN[(told.align = align)];
    return context;
  }

  measure(text, size) {
    return this.type(0, size, 0).measureText(text).width;
  }

  play(w) {
    let [target, c] = [0, this.contexts[0]];
    for (let i = 0; i < w.length; ) {
      switch (w[i++]) {
        case 0:
          target = w[i++];
          c = this.contexts[target];
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
          c.strokeStyle = this.ink(w[i]);
          c.lineWidth = w[i + 1] * PX;
          c.beginPath();
          i += 2;
          break;
        case 5: {
          const end = i + 1 + 2 * w[i];
          c.moveTo(w[i + 1] * PX, w[i + 2] * PX);
          for (i += 3; i < end; i += 2) c.lineTo(w[i] * PX, w[i + 1] * PX);
          i = end;
          break;
        }
        case 6:
          c.stroke();
          break;
        case 7:
          c.fillStyle = this.ink(w[i++]);
          c.fill();
          break;
        case 8:
          c.fillStyle = this.ink(w[i]);
          c.fillRect(w[i + 1] * PX, w[i + 2] * PX, w[i + 3] * PX, w[i + 4] * PX);
          i += 5;
          break;
        case 9:
          c.fillStyle = this.ink(w[i]);
          c.beginPath();
          c.arc(w[i + 1] * PX, w[i + 2] * PX, w[i + 3] * PX, 0, 2 * Math.PI);
          c.fill();
          i += 4;
          break;
        case 10: {
          const end = i + 6 + w[i + 5];
          c.fillStyle = this.ink(w[i]);
          this.type(target, w[i + 4] * PX, w[i + 3]);
          c.fillText(String.fromCharCode(...w.subarray(i + 6, end)), w[i + 1] * PX, w[i + 2] * PX);
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
    this.movers[index].style.transform = `translateX(${x}px)`;
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

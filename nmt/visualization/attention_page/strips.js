// Vectors as strips of coloured cells: the stronger the colour, the further from 0; one colour for each sign.

const inks = { positive: [0, 0, 0], negative: [0, 0, 0] };
const strips = new Set();
const half = () => model.shown.length / 2; // how many numbers are shown of each half of an encoder's state

// A strip of the numbers that are shown of a vector, a gap behind the first `split` of them. `paint` gives it other
// numbers; `faded`, two factors, lets the halves step back.
const makeStrip = (label, split = half()) => {
  const canvas = page.element("canvas", { class: "strip", role: "img", "aria-label": label, height: 1 });
  const strip = { canvas, split, values: [], scale: 1, faded: [1, 1] };
  strips.add(strip);
  return strip;
};

const paint = (strip, values, scale, faded = [1, 1]) => {
  Object.assign(strip, { values, scale, faded });
  const canvas = strip.canvas;
  const gap = strip.split < values.length ? 1 : 0;
  canvas.width = values.length + gap;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, 1);
  values.forEach((value, place) => {
    const side = place < strip.split ? 0 : 1;
    const ink = value < 0 ? inks.negative : inks.positive;
    const strength = scale > 0 ? Math.min(1, Math.abs(value) / scale) ** 0.85 : 0;
    image.data.set([...ink, Math.round(255 * strength * faded[side])], 4 * (place + side));
  });
  context.putImageData(image, 0, 0);
};

const forgetStrips = () => strips.clear();

const inkOf = (name) => {
  const probe = page.element("span", { style: { color: `var(--${name})` } });
  page.main.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found.match(/[\d.]+/g).slice(0, 3).map(Number);
};

page.onTheme(() => {
  for (const name of ["positive", "negative"]) inks[name] = inkOf(name);
  for (const strip of strips) paint(strip, strip.values, strip.scale, strip.faded);
});

// The strip with a line over the number that is followed, which the pointer chooses.
const framed = (strip) => {
  const frame = page.element("div", { class: "strip-frame" }, strip.canvas, page.element("i", { class: "cursor" }));
  const choose = (event) => {
    const box = strip.canvas.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * (2 * half() + 1));
    const dimension = Math.min(Math.max(place > half() ? place - 1 : place, 0), 2 * half() - 1);
    if (dimension !== view.dimension) change({ dimension });
  };
  frame.addEventListener("pointermove", choose);
  frame.addEventListener("pointerdown", choose);
  return frame;
};

// Where the followed number stands in a strip, for the style sheet.
const showCursor = (node) => {
  const place = view.dimension + (view.dimension >= half() ? 1 : 0);
  node.style.setProperty("--cursor", (place + 0.5) / (2 * half() + 1));
};

const nameOfDimension = () => {
  const place = model.shown[view.dimension];
  const middle = model.state_size / 2;
  return place < middle ? told.leftToRight(place + 1) : told.rightToLeft(place - middle + 1);
};

const whatIsShown = () => {
  const whole = model.state_size / 2;
  return half() === whole ? told.allShown(model.state_size, whole) : told.someShown(model.state_size, half());
};

const scaleOf = (part) => [...part.states, part.summary].flat()
  .reduce((most, number) => Math.max(most, Math.abs(number)), 1e-9);

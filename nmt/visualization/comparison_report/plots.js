// Plots of two series over bins, and matrices of attention. Each draws SVG for a width in pixels, and colours come from
// the style sheet: what has the class `a` or `b` gets its own.

const SIDES = ["a", "b"];

// Draws again whenever the room for it changes.
const responsive = (draw) => {
  const place = page.element("div", {});
  let drawn = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width < 1 || width === drawn) return;
    drawn = width;
    place.replaceChildren(draw(width));
  }).observe(place);
  return place;
};

const line = (x1, y1, x2, y2, kind) => page.svg("line", { x1, y1, x2, y2, class: kind });
const label = (x, y, text, properties) => page.svg("text", { x, y, "text-anchor": "middle", ...properties }, text);

// A round mark for A, a square one for B.
const mark = (side, x, y, title) =>
  side === "a"
    ? page.svg("circle", { cx: x, cy: y, r: 5.5, class: "mark" }, title)
    : page.svg("rect", { x: x - 5, y: y - 5, width: 10, height: 10, class: "mark" }, title);

// The least of 1, 2, 2.5 and 5 times a power of ten that makes at most five steps up to `most`.
const stepFor = (most) => {
  for (let power = 0.1; ; power *= 10) {
    for (const factor of [1, 2, 2.5, 5]) if (factor * power * 5 >= most) return factor * power;
  }
};

// The frame that both plots share: values upwards from 0, bins across with their labels, and a bar for what each holds.
const framed = (width, { bins, top, unit, across, held }, fill) => {
  const left = 44, right = 8, above = 22, height = 220, counts = 34;
  const each = (width - left - right) / bins.length;
  const slanted = bins.some((bin) => bin.label.length * 7.5 + 8 > each);
  const foot = slanted ? 58 : 26;
  const total = above + height + foot + counts + 26;
  const least = Math.max(top, 10), step = stepFor(least), highest = Math.ceil(least / step - 1e-9) * step;
  const y = (value) => above + height * (1 - value / highest);
  const x = (place) => left + each * (place + 0.5);
  const svg = page.svg("svg", { width, height: total, viewBox: `0 0 ${width} ${total}`, "aria-hidden": "true" });
  for (let value = 0; value <= highest + 1e-9; value += step) {
    svg.append(line(left, y(value), width - right, y(value), value ? "grid" : "axis"));
    svg.append(label(left - 8, y(value) + 4, page.number(value, step % 1 ? 1 : 0), { "text-anchor": "end" }));
  }
  svg.append(label(0, 12, unit, { "text-anchor": "start" }));
  const base = above + height + foot + counts;
  const most = Math.max(1, ...bins.map((bin) => bin.held));
  bins.forEach((bin, place) => {
    const below = above + height + 18;
    const turned = slanted ? { "text-anchor": "end", transform: `rotate(-50 ${x(place)} ${below - 2})` } : {};
    svg.append(label(x(place), below, bin.label, turned));
    const tall = Math.max(1, (bin.held / most) * (counts - 14));
    svg.append(
      page.svg("rect", { x: x(place) - each * 0.32, y: base - tall, width: each * 0.64, height: tall, class: "count" }),
      label(x(place), base - tall - 4, short(bin.held, each), { class: "value" }),
    );
  });
  svg.append(label(width / 2, base + 18, `${across}; bars: ${held}`));
  fill(svg, { x, y, each });
  return svg;
};

// 1234 as "1,234", and as "1.2k" where there is no room for it.
const short = (number, room) => {
  if (number >= 1e6) return `${(number / 1e6).toFixed(1)}M`;
  if (number >= 1e4 || (number >= 1e3 && room < 44)) return `${(number / 1e3).toFixed(number < 1e4 ? 1 : 0)}k`;
  return number.toLocaleString("en");
};

// Bins are {label, held, a: {value, low, high}, b: …}; a value may be null.
const linePlot = (width, frame) =>
  framed(width, frame, (svg, { x, y, each }) => {
    const apart = Math.min(5, each * 0.1);
    for (const side of SIDES) {
      const shift = side === "a" ? -apart : apart;
      const group = page.svg("g", { class: side });
      const points = frame.bins.map((bin, place) => [x(place) + shift, y(bin[side].value)]);
      group.append(page.svg("polyline", { points: points.map((point) => point.join(",")).join(" "), class: "line" }));
      frame.bins.forEach((bin, place) => {
        const [across, up] = points[place], { value, low, high } = bin[side];
        if (low !== undefined) group.append(line(across, y(low), across, y(high), "whisker"));
        group.append(mark(side, across, up, page.svg("title", {}, `${side.toUpperCase()}, ${bin.label}: ${page.number(value)}`)));
      });
      svg.append(group);
    }
  });

const barPlot = (width, frame) =>
  framed(width, frame, (svg, { x, y, each }) => {
    const wide = Math.min(44, each * 0.36);
    for (const side of SIDES) {
      const group = page.svg("g", { class: side });
      frame.bins.forEach((bin, place) => {
        const { value } = bin[side];
        if (value === null) return;
        const from = side === "a" ? x(place) - wide - 1 : x(place) + 1;
        const title = page.svg("title", {}, `${side.toUpperCase()}, ${bin.label}: ${page.number(value)}`);
        const rounded = side === "a" ? Math.min(5, wide / 3) : 0;
        group.append(
          page.svg("rect", { x: from, y: y(value), width: wide, height: y(0) - y(value), rx: rounded, class: "bar" }, title),
        );
        if (wide > 26) group.append(label(from + wide / 2, y(value) - 4, page.number(value, 0), { class: "value" }));
      });
      svg.append(group);
    }
  });

const shortened = (word) => {
  const characters = [...word];
  return characters.length > 18 ? `${characters.slice(0, 17).join("")}…` : word;
};

// The width of a text in the type of a plot.
const widthOf = (() => {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return (text) => context.measureText(text).width;
})();

// What the words of a translation looked at: a row for each, a column for each word of the source.
const attentionMatrix = (side, { source_words, target_words, weights }) => {
  const [source, target] = [source_words, target_words].map((words) => words.map(page.readable));
  const cell = 18, tilt = Math.PI / 3;
  const longest = (words) => Math.max(8, ...words.map((word) => widthOf(shortened(word))));
  const left = longest(target) + 12, above = longest(source) * Math.sin(tilt) + 16;
  const beyond = Math.max(0, ...source.map((word, column) => widthOf(shortened(word)) * Math.cos(tilt) - (source.length - column - 1) * cell));
  const width = left + source.length * cell + beyond + 8, height = above + target.length * cell + 2;
  const said = target.map((word, row) => `${word}: ${source[weights[row].indexOf(Math.max(...weights[row]))]}`).join("; ");
  const svg = page.svg("svg", {
    width, height, viewBox: `0 0 ${width} ${height}`, role: "img", class: side, "aria-label": `Looked at most: ${said}`,
  });
  source.forEach((word, column) => {
    const [x, y] = [left + (column + 0.6) * cell, above - 6];
    svg.append(
      page.svg("text", { x, y, transform: `rotate(-60 ${x} ${y})` }, page.svg("title", {}, word), shortened(word)),
    );
  });
  target.forEach((word, row) => {
    const y = above + row * cell;
    const attributes = { x: left - 8, y: y + 13, "text-anchor": "end" };
    svg.append(page.svg("text", attributes, page.svg("title", {}, word), shortened(word)));
    weights[row].forEach((weight, column) => {
      if (weight < 0.01) return;
      const place = { x: left + column * cell, y, width: cell, height: cell, "fill-opacity": weight, class: "cell" };
      svg.append(page.svg("rect", place, page.svg("title", {}, `${word} ← ${source[column]}: ${page.number(weight)}`)));
    });
  });
  const [right, bottom] = [left + source.length * cell, above + target.length * cell];
  for (let column = 0; column <= source.length; column += 1) {
    svg.append(line(left + column * cell, above, left + column * cell, bottom, "grid"));
  }
  for (let row = 0; row <= target.length; row += 1) svg.append(line(left, above + row * cell, right, above + row * cell, "grid"));
  return svg;
};

// What attention is, in plain words and two drawings.

const STATES = 5;
const [LEFT_TO_RIGHT, RIGHT_TO_LEFT] = [0, 1]; // the halves of a hidden state, the upper and the lower

// Hidden states in a row, each of two halves, those of a half linked in the direction in which it reads. `links`,
// [place, half or null for both, weight], lead to the decoder; halves that none leads from are empty.
const drawing = (title, described, links) => {
  const { svg } = page;
  const at = (place) => 34 + place * 53;
  const [heights, radius] = [[34, 54], 9];
  const middle = at((STATES - 1) / 2);
  const node = svg("svg", { viewBox: "0 0 280 156", role: "img", "aria-label": described });
  for (const [half, y] of heights.entries()) {
    for (let place = 0; place < STATES - 1; place++) {
      const [left, right] = [at(place) + radius + 3, at(place + 1) - radius - 3];
      const [tip, back] = half === LEFT_TO_RIGHT ? [right, right - 5] : [left, left + 5];
      node.append(svg("path", { class: "chain", d: `M${left} ${y}H${right}M${back} ${y - 4}L${tip} ${y}L${back} ${y + 4}` }));
    }
  }
  for (const [place, half, weight] of links) {
    const y = heights[half ?? RIGHT_TO_LEFT] + radius;
    const x = at(place) + (half === LEFT_TO_RIGHT ? radius : 0);
    const start = half === LEFT_TO_RIGHT ? `M${x} ${heights[LEFT_TO_RIGHT]}C${x + 36} 84` : `M${x} ${y}C${x} ${y + 40}`;
    node.append(svg("path", { class: "link", d: `${start} ${middle} 86 ${middle} 128`, "stroke-width": 1.5 + 8 * weight, opacity: 0.3 + 0.6 * weight }));
  }
  for (let place = 0; place < STATES; place++) {
    node.append(svg("text", { x: at(place), y: 15 }, `h${"₁₂₃₄₅"[place]}`));
    for (const [half, y] of heights.entries()) {
      const given = links.some(([from, which]) => from === place && (which === null || which === half));
      node.append(svg("circle", { class: given ? "state" : "state lost", cx: at(place), cy: y, r: radius }));
    }
  }
  node.append(svg("rect", { class: "decoder", x: middle - 44, y: 126, width: 88, height: 26, rx: 8 }));
  node.append(svg("text", { class: "inside", x: middle, y: 143 }, told.decoder));
  return page.element("figure", {}, node, page.element("figcaption", {}, title));
};

const makeExplanation = () => {
  const { element } = page;
  const strong = (text) => element("strong", {}, text);
  const paragraphs = told.explained(strong).map((kids) => element("p", {}, ...kids));
  const all = [0.06, 0.12, 1, 0.2, 0.06].map((weight, place) => [place, null, weight]);
  const last = [[STATES - 1, LEFT_TO_RIGHT, 0.6], [0, RIGHT_TO_LEFT, 0.6]];
  return element(
    "details",
    { class: "panel", open: !hasAttention },
    element("summary", {}, told.whatIsAttention),
    element(
      "div",
      { class: "explanation" },
      element("div", {}, ...paragraphs),
      element(
        "div",
        { class: "drawings" },
        drawing(told.drawnWithout, told.describedWithout, last),
        drawing(told.drawnWith, told.describedWith, all),
      ),
    ),
  );
};

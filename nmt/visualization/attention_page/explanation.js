// What attention is, in plain words and two drawings.

const STATES = 5;

const drawing = (title, described, links) => {
  const left = 30;
  const gap = 55;
  const at = (place) => left + place * gap;
  const middle = at((STATES - 1) / 2);
  const node = page.svg("svg", { viewBox: "0 0 280 132", role: "img", "aria-label": described });
  node.append(page.svg("path", { class: "chain", d: `M${at(0)} 34H${at(STATES - 1)}` }));
  for (const [place, weight] of links) {
    const d = `M${at(place)} 34C${at(place)} 78 ${middle} 62 ${middle} 104`;
    node.append(page.svg("path", { class: "link", d, "stroke-width": 1.5 + 8 * weight, opacity: 0.3 + 0.6 * weight }));
  }
  const given = new Set(links.map(([place]) => place));
  for (let place = 0; place < STATES; place++) {
    const name = page.svg("text", { x: at(place), y: 15 }, `h${"₁₂₃₄₅"[place]}`);
    node.append(page.svg("circle", { class: given.has(place) ? "state" : "state lost", cx: at(place), cy: 34, r: 9 }), name);
  }
  node.append(page.svg("rect", { class: "decoder", x: middle - 44, y: 102, width: 88, height: 26, rx: 8 }));
  node.append(page.svg("text", { class: "inside", x: middle, y: 119 }, "decoder"));
  return page.element("figure", {}, node, page.element("figcaption", {}, title));
};

const makeExplanation = () => {
  const { element } = page;
  const paragraphs = [
    element(
      "p",
      {},
      "The encoder reads the source and leaves one ",
      element("strong", {}, "hidden state"),
      " at each token: a vector of numbers that tells of this token within its sentence. The decoder writes the translation, one token at a time.",
    ),
    element(
      "p",
      {},
      element("strong", {}, "Without attention"),
      ", the traditional encoder–decoder hands over only the encoder’s last hidden state. Everything the sentence says has to fit into this one vector, whether it has five words or fifty.",
    ),
    element(
      "p",
      {},
      element("strong", {}, "With attention"),
      ", the decoder receives all hidden states. Before each token it gives every one of them a score, turns the scores into weights with softmax, and goes on from their weighted sum. Which words to look at is nothing it was told: it learned that while it learned to translate.",
    ),
  ];
  const all = [0.06, 0.12, 1, 0.2, 0.06].map((weight, place) => [place, weight]);
  return element(
    "section",
    { class: "panel explanation", "aria-label": "What attention is" },
    element("div", {}, ...paragraphs),
    element(
      "div",
      { class: "drawings" },
      drawing("without: the last state only", "Five hidden states in a chain; only the last is linked to the decoder.", [[STATES - 1, 0.6]]),
      drawing("with: all of them, weighted", "Five hidden states in a chain, each linked to the decoder by a line as wide as its weight.", all),
    ),
  );
};

// The query: the state of the decoder that every hidden state of the encoder is compared with.

// Its name in formulas: the state before the step or, in a conditional decoder, the one that has read the token before.
const queryName = () => (model.conditional ? "s′ₜ" : "sₜ₋₁");

const makeQuery = () => {
  const { element } = page;
  const node = element("div", { class: "row query", role: "row" });
  const note = element("span", { class: "soft small" });
  let strip = null;
  let scale = 1;

  const build = (part) => {
    const count = part.queries[0].length;
    strip = makeStrip(told.queryIs, count);
    scale = part.queries.flat().reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    note.textContent = told.numbersShown(count, model.query_size);
    node.replaceChildren(
      element("div", { class: "cell token", role: "rowheader" }, `${told.query} ${queryName()}`),
      element("div", { class: "cell strips", role: "cell" }, element("div", { class: "strip-frame plain" }, strip.canvas)),
      element("div", { class: "cell beside", role: "cell" }, note),
    );
  };
  return { node, build, update: (part) => paint(strip, part.queries[view.step], scale) };
};

// One number of the context, followed through the weighted sum.
const makeFollow = () => {
  const { element, number } = page;
  const slider = element("input", {
    type: "range", min: 0, max: 2 * half() - 1, step: 1, "aria-label": told.whichNumber,
    on: { input: () => change({ dimension: Number(slider.value) }) },
  });
  const text = element("p", { class: "small sum" });
  const node = element(
    "div",
    { class: "follow" },
    element("label", { class: "small" }, element("span", { class: "soft" }, told.follow), slider),
    text,
  );
  const update = (part) => {
    slider.value = String(view.dimension);
    slider.setAttribute("aria-valuetext", nameOfDimension());
    const weights = part.weights[view.step];
    const order = weights.map((_, position) => position).sort((a, b) => weights[b] - weights[a]);
    const terms = order.slice(0, 3).map((position) => [
      element("span", { class: "number" }, `${number(weights[position], 4)} × ${signed(part.states[position][view.dimension])}`),
      " (", element("bdi", { class: "token-name" }, ...tokenText(part.source_tokens[position])), ")",
    ]);
    const rest = sum(order.slice(3).map((position) => weights[position] * part.states[position][view.dimension]));
    const more = order.length > 3
      ? [" + ", element("span", { class: "number" }, signed(rest)), told.others(order.length - 3)]
      : [];
    text.replaceChildren(
      `${nameOfDimension()}: `,
      ...terms.flatMap((term, place) => (place ? [" + ", ...term] : term)),
      ...more,
      " = ",
      element("strong", { class: "number" }, number(part.contexts[view.step][view.dimension], 4)),
    );
  };
  return { node, update };
};

const signed = (value) => (value < 0 ? `(${page.number(value, 4)})` : page.number(value, 4));

const makeLegend = () => {
  const { element } = page;
  return element(
    "p",
    { class: "soft small legend" },
    element("span", { class: "swatch below" }), told.below,
    element("span", { class: "swatch above" }), told.above,
    hasAttention && told.bars,
    whatIsShown(),
  );
};

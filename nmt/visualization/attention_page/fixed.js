// Without attention: the hidden states, of which two halves were handed over, and the vector these make.
const makeFixedVector = () => {
  const { element } = page;
  const node = element("div", {});
  const row = (kind, name, strip) =>
    element(
      "div",
      { class: `row ${kind}`, role: "row" },
      element("div", { class: "cell token", role: "rowheader" }, name),
      element("div", { class: "cell strips", role: "cell" }, framed(strip)),
    );
  const table = element("div", { class: "states fixed", role: "table", "aria-label": told.handedOver });
  const build = (part) => {
    forgetStrips();
    const scale = scaleOf(part);
    const last = part.source_tokens.length - 1;
    const rows = part.source_tokens.map((token, position) => {
      const strip = makeStrip(told.stateOf(token));
      paint(strip, part.states[position], scale, [position === last ? 1 : 0.25, position === 0 ? 1 : 0.25]);
      return row("", element("bdi", {}, ...tokenText(token)), strip);
    });
    const fixed = makeStrip(told.fixedIs);
    paint(fixed, part.summary, scale);
    table.replaceChildren(...rows, row("total", told.fixed, fixed));
    node.replaceChildren(
      table,
      element("p", { class: "small" },
        told.aboutFixed),
      makeMarks(part),
      makeLegend(),
    );
  };
  return { node, build, update: () => showCursor(table) };
};

// A row for each hidden state: its strip, score, exponential, weight, and the strip again times the weight.
const makeStates = () => {
  const { element, number } = page;
  const node = element("div", {});
  const table = element("div", { class: "states", role: "table", "aria-label": told.states });
  const cell = (kind, ...kids) => element("div", { class: `cell ${kind}`, role: "cell" }, ...kids);
  const head = (kind, ...kids) => element("div", { class: `cell ${kind}`, role: "columnheader" }, ...kids);
  const follow = makeFollow();
  const query = makeQuery();
  let rows = [];
  let total = null;
  let scale = 1;
  let painted = null; // the step whose numbers the table has

  const makeRow = (part, position) => {
    const name = part.source_tokens[position];
    const row = {
      state: makeStrip(told.stateOf(name)),
      weighted: makeStrip(told.weightedStateOf(name)),
      score: element("span", { class: "number" }),
      scoreBar: element("i", { class: "bar score-bar" }),
      exponential: element("span", { class: "number" }),
      weight: element("span", { class: "number" }),
      weightBar: element("i", { class: "bar weight-bar" }),
    };
    const choose = () => view.position !== position && change({ position });
    row.node = element(
      "div",
      { class: "row", role: "row", "data-position": position, on: { pointerenter: choose, click: choose } },
      element("div", { class: "cell token", role: "rowheader" }, element("bdi", {}, ...tokenText(name))),
      cell("strips", framed(row.state), framed(row.weighted)),
      cell("score", row.scoreBar, row.score),
      cell("exponential", row.exponential),
      cell("weight", row.weightBar, row.weight),
    );
    return row;
  };

  const build = (part) => {
    forgetStrips();
    rows = part.source_tokens.map((_, position) => makeRow(part, position));
    total = {
      context: makeStrip(told.contextIs),
      exponential: element("span", { class: "number" }),
      weight: element("span", { class: "number" }),
    };
    total.node = element(
      "div",
      { class: "row total", role: "row" },
      element("div", { class: "cell token", role: "rowheader" }, told.context),
      cell("strips", framed(total.context)),
      cell("score", element("span", { class: "soft" }, told.sum)),
      cell("exponential", total.exponential),
      cell("weight", total.weight),
    );
    const heads = element(
      "div",
      { class: "row heads", role: "row" },
      ...["token", "strips", "score", "exponential", "weight"].map((kind, place) => head(kind, told.heads[place])),
    );
    query.build(part);
    table.replaceChildren(heads, query.node, ...rows.map((row) => row.node), total.node);
    node.replaceChildren(table, makeMarks(part), follow.node, makeLegend());
    scale = scaleOf(part);
    painted = null;
    rows.forEach((row, position) => paint(row.state, part.states[position], scale));
  };

  const paintStep = (part) => {
    const scores = part.scores[view.step];
    const weights = part.weights[view.step];
    const { exponentials } = exponentialsOf(scores);
    // From the lowest score on, since softmax knows differences alone; where all are close, so are the bars.
    const lowest = Math.min(...scores);
    const range = Math.max(Math.max(...scores) - lowest, 1);
    rows.forEach((row, position) => {
      const weight = weights[position];
      row.score.textContent = number(scores[position], 4);
      row.scoreBar.style.setProperty("--share", (scores[position] - lowest) / range);
      row.exponential.textContent = significant(exponentials[position]);
      row.weight.textContent = weightText(weight);
      row.weightBar.style.setProperty("--share", weight);
      paint(row.weighted, part.states[position].map((value) => value * weight), scale);
    });
    query.update(part);
    paint(total.context, part.contexts[view.step], scale);
    total.exponential.textContent = significant(sum(exponentials));
    total.weight.textContent = number(sum(weights), 4);
  };

  const update = (part) => {
    if (painted !== view.step) paintStep(part);
    painted = view.step;
    const worked = view.position ?? greatest(part.weights[view.step]);
    rows.forEach((row, position) => {
      row.node.classList.toggle("worked", position === worked);
      row.node.classList.toggle("looked", isInColumn(part, position, view.column));
    });
    showCursor(table);
    follow.update(part);
  };

  return { node, build, update };
};

// One step of the decoder: the tokens written so far, and what it made of each hidden state.

const FORMULAS = {
  additive: "eₜⱼ = vᵀ tanh(W s + U hⱼ)",
  general: "eₜⱼ = sᵀ W hⱼ",
  dot: "eₜⱼ = sᵀ hⱼ",
};

const makeStepper = () => {
  const { element } = page;
  const count = element("span", { class: "count", "aria-live": "polite" });
  const button = (name, label, to) =>
    element("button", { type: "button", "aria-label": label, on: { click: () => stepTo(to()) } }, name);
  const buttons = [
    button("⇤", "First step", () => 0),
    button("←", "Step before", () => view.step - 1),
    button("→", "Next step", () => view.step + 1),
    button("⇥", "Last step", () => Infinity),
  ];
  const chips = element("div", { class: "chips", dir: "auto", role: "group", "aria-label": "Tokens of the translation" });

  const build = () => {
    const part = currentPart();
    node.hidden = part === null;
    const makeChip = (token, step) =>
      element("button", { type: "button", class: "chip", "data-step": step, on: { click: () => stepTo(step) } }, ...tokenText(token));
    chips.replaceChildren(...(part?.target_tokens ?? []).map(makeChip));
  };
  const update = () => {
    const part = currentPart();
    if (part === null) return;
    const last = part.target_tokens.length - 1;
    count.textContent = `Step ${view.step + 1} of ${last + 1}`;
    buttons.forEach((one, place) => {
      one.disabled = place < 2 ? view.step === 0 : view.step === last;
    });
    const hadFocus = chips.contains(document.activeElement);
    [...chips.children].forEach((chip, step) => {
      const here = step === view.step;
      chip.tabIndex = here ? 0 : -1;
      chip.classList.toggle("later", step > view.step);
      if (here) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
      if (here && hadFocus) chip.focus({ preventScroll: true });
      if (here) intoView(chip);
    });
  };

  // Along the row only: the page stays where it is.
  const intoView = (chip) => {
    const [row, box] = [chips.getBoundingClientRect(), chip.getBoundingClientRect()];
    if (box.left < row.left || box.right > row.right) chips.scrollLeft += box.left + box.width / 2 - row.left - row.width / 2;
  };
  const node = element(
    "div",
    { class: "panel stepper", role: "group", "aria-label": "Steps of the decoder" },
    element("div", { class: "controls" }, ...buttons, count),
    chips,
  );
  return { node, build, update };
};

const makeWalk = () => {
  const { element } = page;
  const story = element("p", { class: "story" });
  const states = hasAttention ? makeStates() : makeFixedVector();
  const node = element(
    "section",
    { class: "panel walk", "aria-labelledby": "walk-title" },
    element("h2", { id: "walk-title" }, hasAttention ? "What this step makes of the hidden states" : "What this step knows of the source"),
    story,
    states.node,
  );

  const tellStory = (part) => {
    const before = part.target_tokens.slice(0, view.step);
    const written = before.length
      ? ["It has written ", element("bdi", { class: "token-name" }, before.join(" ")), " so far. "]
      : ["Nothing is written yet. "];
    if (!hasAttention) return [...written, "All it has of the source is the one fixed vector below, the same at every step."];
    const asks = model.conditional
      ? "Its state s, which has just read the last of these, is compared with every hidden state hⱼ of the encoder"
      : "Its state s of before this step is compared with every hidden state hⱼ of the encoder";
    return [...written, `${asks}: the score is `, element("span", { class: "formula" }, FORMULAS[model.attention]), "."];
  };

  return {
    node,
    build() {
      node.hidden = currentPart() === null;
      if (!node.hidden) states.build(currentPart());
    },
    update() {
      const part = currentPart();
      if (part === null) return;
      story.replaceChildren(...tellStory(part));
      states.update(part);
    },
  };
};

// A row for each hidden state: its strip, score, exponential, weight, and the strip again times the weight.
const makeStates = () => {
  const { element, number } = page;
  const node = element("div", {});
  const table = element("div", { class: "states", role: "table", "aria-label": "Hidden states, scores and weights of this step" });
  const cell = (kind, ...kids) => element("div", { class: `cell ${kind}`, role: "cell" }, ...kids);
  const head = (kind, ...kids) => element("div", { class: `cell ${kind}`, role: "columnheader" }, ...kids);
  const follow = makeFollow();
  let rows = [];
  let total = null;
  let scale = 1;

  const makeRow = (part, position) => {
    const name = part.source_tokens[position];
    const row = {
      state: makeStrip(`Hidden state of ${name}`),
      weighted: makeStrip(`Hidden state of ${name}, times its weight`),
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
      context: makeStrip("Context: the sum of the weighted hidden states"),
      exponential: element("span", { class: "number" }),
      weight: element("span", { class: "number" }),
    };
    total.node = element(
      "div",
      { class: "row total", role: "row" },
      element("div", { class: "cell token", role: "rowheader" }, "context z"),
      cell("strips", framed(total.context)),
      cell("score", element("span", { class: "soft" }, "sum")),
      cell("exponential", total.exponential),
      cell("weight", total.weight),
    );
    const heads = element(
      "div",
      { class: "row heads", role: "row" },
      head("token", "source token"),
      head("strips", "hidden state hⱼ, and below it αⱼ·hⱼ"),
      head("score", "score e"),
      head("exponential", "exp(e)"),
      head("weight", "weight α"),
    );
    table.replaceChildren(heads, ...rows.map((row) => row.node), total.node);
    node.replaceChildren(table, follow.node, makeLegend());
    scale = scaleOf(part);
    rows.forEach((row, position) => paint(row.state, part.states[position], scale));
  };

  const update = (part) => {
    const scores = part.scores[view.step];
    const weights = part.weights[view.step];
    const { exponentials, shift } = exponentialsOf(scores);
    const widest = Math.max(...scores.map(Math.abs), 1e-9);
    const worked = view.position ?? greatest(weights);
    rows.forEach((row, position) => {
      const weight = weights[position];
      row.score.textContent = number(scores[position], 4);
      row.scoreBar.style.setProperty("--share", scores[position] / widest);
      row.scoreBar.classList.toggle("below", scores[position] < 0);
      row.exponential.textContent = significant(exponentials[position]);
      row.weight.textContent = weightText(weight);
      row.weightBar.style.setProperty("--share", weight);
      row.node.classList.toggle("worked", position === worked);
      row.node.classList.toggle("looked", isInColumn(part, position, view.column));
      paint(row.weighted, part.states[position].map((value) => value * weight), scale);
    });
    paint(total.context, part.contexts[view.step], scale);
    total.exponential.textContent = significant(sum(exponentials));
    total.weight.textContent = number(sum(weights), 4);
    table.classList.toggle("shifted", shift !== 0);
    showCursor(table);
    follow.update(part);
  };

  return { node, build, update };
};

// One number of the context, followed through the weighted sum.
const makeFollow = () => {
  const { element, number } = page;
  const slider = element("input", {
    type: "range", min: 0, max: 2 * HALF - 1, step: 1, "aria-label": "Which number of the vectors to follow",
    on: { input: () => change({ dimension: Number(slider.value) }) },
  });
  const text = element("p", { class: "small sum" });
  const node = element(
    "div",
    { class: "follow" },
    element("label", { class: "small" }, element("span", { class: "soft" }, "Follow one number through the sum "), slider),
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
      ? [" + ", element("span", { class: "number" }, signed(rest)), ` (the other ${order.length - 3})`]
      : [];
    text.replaceChildren(
      `${nameOfDimension()[0].toUpperCase()}${nameOfDimension().slice(1)}: `,
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
    element("span", { class: "swatch below" }), " below 0 ",
    element("span", { class: "swatch above" }), " above 0; the stronger, the further from it. ",
    whatIsShown(),
  );
};

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
  const table = element("div", { class: "states fixed", role: "table", "aria-label": "The encoder’s hidden states, and the one vector handed over" });
  const build = (part) => {
    forgetStrips();
    const scale = scaleOf(part);
    const last = part.source_tokens.length - 1;
    const rows = part.source_tokens.map((token, position) => {
      const strip = makeStrip(`Hidden state of ${token}`);
      paint(strip, part.states[position], scale, [position === last ? 1 : 0.25, position === 0 ? 1 : 0.25]);
      return row("", element("bdi", {}, ...tokenText(token)), strip);
    });
    const fixed = makeStrip("The one fixed vector");
    paint(fixed, part.summary, scale);
    table.replaceChildren(...rows, row("total", "the fixed vector", fixed));
    node.replaceChildren(
      table,
      element("p", { class: "small" },
        "There is nothing to show of attention: no scores, no softmax, no weights. The decoder was handed one fixed vector, the last state of each reading direction: that of the end mark from left to right, and that of the first token from right to left. The faded rest of the hidden states was never seen again."),
      makeLegend(),
    );
  };
  return { node, build, update: () => showCursor(table) };
};

// Softmax, worked out on the numbers of the step.

const LARGEST_EXPONENT = 30; // beyond it the greatest score is subtracted first, as programs do, too

const exponentialsOf = (scores) => {
  const most = Math.max(...scores);
  const shift = Math.abs(most) > LARGEST_EXPONENT ? most : 0;
  return { exponentials: scores.map((score) => Math.exp(score - shift)), shift };
};

const makeSoftmax = () => {
  const { element, number } = page;
  const lines = element("ol", { class: "worked-out" });
  const node = element(
    "section",
    { class: "panel", "aria-labelledby": "softmax-title" },
    element("h2", { id: "softmax-title" }, told.softmax),
    element("p", { class: "soft small" }, told.aboutSoftmax),
    lines,
  );
  const value = (text) => element("span", { class: "number" }, text);

  const update = () => {
    const part = currentPart();
    node.hidden = part === null;
    if (part === null) return;
    const scores = part.scores[view.step];
    const weights = part.weights[view.step];
    const { exponentials, shift } = exponentialsOf(scores);
    const worked = view.position ?? greatest(weights);
    const order = exponentials.map((_, place) => place).sort((a, b) => exponentials[b] - exponentials[a]);
    const total = sum(exponentials);
    const terms = order.slice(0, 4).map((place) => significant(exponentials[place]));
    const left = order.slice(4);
    if (left.length) terms.push(`${significant(sum(left.map((place) => exponentials[place])))} ${told.others(left.length).trim()}`);
    const before = shift === 0 ? "" : ` − ${number(shift, 4)}`;
    const name = quoted(part.source_tokens[worked]);
    const score = number(scores[worked], 4);
    const share = likelihood(weights[worked]);
    const quotient = value(`${significant(exponentials[worked])} / ${significant(total)} = `);
    const item = (...kids) => element("li", {}, ...kids.flat(2));
    lines.replaceChildren(
      item(told.makePositive(name, value(score), value(`exp(${score}${before}) = ${significant(exponentials[worked])}`)), shift === 0 ? "" : told.subtracted),
      item(told.addUp(scores.length, value(`${terms.join(" + ")} = ${significant(total)}`))),
      item(told.divide(quotient, element("strong", { class: "number" }, weightText(weights[worked])), share, quoted(part.source_tokens[worked]))),
    );
  };
  return { node, build: update, update, follows: ["step", "position"] };
};

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
    element("h2", { id: "softmax-title" }, "Softmax, on these numbers"),
    element("p", { class: "soft small" }, "Scores may be any numbers. Weights have to be positive and add up to 1, so that what comes out is an average. Point at a row above to work out another one. Four digits of each number are shown; the page computes with all of them."),
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
    if (left.length) terms.push(`${significant(sum(left.map((place) => exponentials[place])))} (the other ${left.length})`);
    const before = shift === 0 ? "" : ` − ${number(shift, 4)}`;
    lines.replaceChildren(
      element("li", {},
        "Make it positive. The score of ", ...quoted(part.source_tokens[worked]), " is ", value(number(scores[worked], 4)), ", and ",
        value(`exp(${number(scores[worked], 4)}${before}) = ${significant(exponentials[worked])}`), ".",
        shift === 0 ? "" : " (The greatest score is subtracted from all of them first, so that no exponential becomes too large; it changes no quotient.)"),
      element("li", {}, "Add up all ", `${scores.length}: `, value(`${terms.join(" + ")} = ${significant(total)}`), "."),
      element("li", {}, "Divide: ", value(`${significant(exponentials[worked])} / ${significant(total)} = `), element("strong", { class: "number" }, weightText(weights[worked])), `. So ${likelihood(weights[worked])} of the context comes from the hidden state of `, ...quoted(part.source_tokens[worked]), "."),
    );
  };
  return { node, build: update, update, follows: ["step", "position"] };
};

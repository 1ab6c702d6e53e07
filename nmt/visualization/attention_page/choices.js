// What the decoder might have written at this step, and the other translations that the beam came to.

const makeChoices = () => {
  const { element } = page;
  const intro = element("p", { class: "soft small" });
  const list = element("ol", { class: "bars" });
  const text = element("p", { class: "small" });
  const node = element(
    "section",
    { class: "panel", "aria-labelledby": "choices-title" },
    element("h2", { id: "choices-title" }, "The next token"),
    intro,
    list,
    text,
  );

  const bar = (token, probability, chosen, rank) =>
    element(
      "li",
      { class: chosen ? "chosen" : null, style: { "--share": probability } },
      element("span", { class: "rank soft number" }, `${rank}`),
      element("bdi", { class: "name" }, ...tokenText(token)),
      element("span", { class: "track" }, element("i", {})),
      element("span", { class: "number" }, likelihood(probability)),
      chosen && element("span", { class: "hidden-text" }, "written"),
    );

  const update = () => {
    const part = currentPart();
    node.hidden = part === null;
    if (part === null) return;
    intro.textContent = `From its new state, the ${hasAttention ? "context" : "fixed vector"} and the token before, the decoder gives each of ${part.vocabulary.toLocaleString("en")} tokens a probability. The most probable:`;
    const { probability, rank, best } = part.choices[view.step];
    const token = part.target_tokens[view.step];
    const bars = best.map(([name, share], place) => bar(name, share, place + 1 === rank, place + 1));
    if (rank > best.length) bars.push(bar(token, probability, true, rank));
    list.replaceChildren(...bars);
    const written = token === END && view.step === part.target_tokens.length - 1 && part.finished
      ? ["It writes the end mark: the translation is complete."]
      : ["It writes ", ...quoted(token), "."];
    const why = rank > 1 ? " That is not its first choice: the beam keeps several beginnings, and this one led to the best whole." : "";
    text.replaceChildren(...written, why);
  };
  return { node, build: update, update, follows: ["step"] };
};

const makeBeam = () => {
  const { element, number } = page;
  const list = element("ol", { class: "candidates" });
  const text = element("p", { class: "soft small" });
  const node = element(
    "section",
    { class: "panel", "aria-labelledby": "beam-title" },
    element("h2", { id: "beam-title" }, "Other hypotheses of the beam"),
    text,
    list,
  );

  const build = () => {
    const part = currentPart();
    node.hidden = part === null;
    if (part === null) return;
    const { beam_size: width, length_penalty: penalty } = attended.search;
    text.textContent =
      `The search keeps the ${width} best beginnings and extends each by every token. Its score is log-probability ${penalty === 0 ? "" : `/ length${penalty === 1 ? "" : `^${penalty}`}, the end mark counted`}; the nearer to 0, the better. Where a hypothesis leaves the best one, it is underlined.`;
    const best = part.candidates[0].text;
    list.replaceChildren(...part.candidates.map((candidate, place) => makeCandidate(candidate, best, place)));
  };

  const makeCandidate = ({ text: words, score, log_probability: logarithm, finished }, best, place) => {
    const shared = place === 0 ? words.length : sharedBeginning(words, best);
    return element(
      "li",
      { class: place === 0 ? "chosen" : null },
      element("p", { dir: "auto" }, words.slice(0, shared), element("span", { class: "differs" }, words.slice(shared))),
      element("p", { class: "small soft" }, "score ", element("span", { class: "number" }, number(score, 3)), ", log-probability ", element("span", { class: "number" }, number(logarithm, 3)), finished ? "" : ", cut at the limit"),
    );
  };

  return { node, build, update() {}, follows: [] };
};

// How many characters two texts share, back to where a word begins, unless they write no spaces.
const sharedBeginning = (text, other) => {
  const [one, two] = [[...text], [...other]];
  let count = 0;
  while (count < one.length && one[count] === two[count]) count++;
  const shared = one.slice(0, count).join("");
  return count === one.length && (two[count] ?? " ") === " " ? shared.length : shared.lastIndexOf(" ") + 1 || (text.includes(" ") ? 0 : shared.length);
};

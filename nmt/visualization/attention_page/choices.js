// What the decoder might have written at this step, and the other translations that the beam came to.

const makeChoices = () => {
  const { element } = page;
  const intro = element("p", { class: "soft small" });
  const list = element("ol", { class: "bars" });
  const text = element("p", { class: "small" });
  const node = element(
    "section",
    { class: "panel", "aria-labelledby": "choices-title" },
    element("h2", { id: "choices-title" }, told.nextToken),
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
      chosen && element("span", { class: "hidden-text" }, told.isWritten),
    );

  const update = () => {
    const part = currentPart();
    node.hidden = part === null;
    if (part === null) return;
    intro.textContent = told.probabilities(hasAttention ? told.contextInput : told.fixedInput, part.vocabulary.toLocaleString("en"));
    const { probability, rank, best } = part.choices[view.step];
    const token = part.target_tokens[view.step];
    const bars = best.map(([name, share], place) => bar(name, share, place + 1 === rank, place + 1));
    if (rank > best.length) bars.push(bar(token, probability, true, rank));
    list.replaceChildren(...bars);
    const written = token === END && view.step === part.target_tokens.length - 1 && part.finished
      ? [told.complete]
      : told.writes(quoted(token)).flat();
    const why = rank > 1 ? told.notFirst : "";
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
    element("h2", { id: "beam-title" }, told.hypotheses),
    text,
    list,
  );

  const build = () => {
    const part = currentPart();
    node.hidden = part === null;
    if (part === null) return;
    const { beam_size: width, length_penalty: penalty } = attended.search;
    const length = penalty === 0 ? null : `${told.length}${penalty === 1 ? "" : `^${penalty}`}`;
    text.textContent = told.aboutBeam(width, told.beamFormula(length));
    const best = part.candidates[0].text;
    list.replaceChildren(...part.candidates.map((candidate, place) => makeCandidate(candidate, best, place)));
  };

  const makeCandidate = ({ text: words, score, log_probability: logarithm, finished }, best, place) => {
    const shared = place === 0 ? words.length : sharedBeginning(words, best);
    return element(
      "li",
      { class: place === 0 ? "chosen" : null },
      element("p", { dir: "auto" }, words.slice(0, shared), element("span", { class: "differs" }, words.slice(shared))),
      element("p", { class: "small soft" }, told.score, element("span", { class: "number" }, number(score, 3)), told.logProbability, element("span", { class: "number" }, number(logarithm, 3)), finished ? "" : told.cut),
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

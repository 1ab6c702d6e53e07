// The report: scores, scores by length and by frequency, and the sentences that differ most.

const { data, element } = page;
const NAMES = { a: data.a, b: data.b };
const words = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const signed = (value) => `${value > 0 ? "+" : ""}${page.number(value)}`;
const range = ({ low, high }) => (high === null ? `${low}+` : low === high ? `${low}` : `${low}–${high}`);
const tag = (side) => element("span", { class: `tag ${side}` }, side.toUpperCase());
const half = ({ bootstrap }) => bootstrap && (bootstrap.interval[1] - bootstrap.interval[0]) / 2;
const withInterval = (score) => [
  page.number(score.score),
  score.bootstrap ? element("span", { class: "interval" }, ` ±${page.number(half(score))}`) : null,
];
const isSignificant = (score) => score.p_value !== null && score.p_value < data.level && !data.small;

// A table whose first cell in each row names the row.
const table = (caption, head, rows) =>
  element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element("table", { class: "values" },
      element("caption", { class: "hidden-text" }, caption),
      element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...rows.map(([name, ...cells]) =>
        element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((cell) => element("td", {}, cell)))))));

const panel = (title, ...kids) => element("section", { class: "panel" }, element("h2", {}, title), ...kids);

const legend = () =>
  element("p", { class: "legend" }, ...SIDES.map((side) => element("span", {}, tag(side), element("bdi", {}, NAMES[side]))));

// A picture, and the same numbers as a table.
const figure = (draw, frame, caption, head, rows) =>
  element("figure", {}, responsive((width) => draw(width, frame)), element("figcaption", {}, legend()),
    element("details", {}, element("summary", {}, "The numbers"), table(caption, head, rows)));

const verdict = () => {
  if (data.identical) return "Both are the same in every line: there is nothing to compare.";
  const [name, score] = Object.entries(data.metrics)[0], title = data.titles[name];
  if (!score.difference) return `Both have the same ${title}.`;
  const better = score.difference > 0 === (name !== "ter") ? "B" : "A";
  const by = `${better} is better by ${page.number(Math.abs(score.difference))} ${title}`;
  if (score.p_value === null) return `${by}; whether by chance was not tested.`;
  if (data.small) return `${by}; of ${words(data.sentences, "sentence")} no test can tell whether by chance.`;
  const chance = isSignificant(score) ? "more than chance explains" : "which may well be chance";
  return `${by}, ${chance} (p = ${page.number(score.p_value, 4)}).`;
};

const scores = () => {
  const rows = Object.entries(data.metrics).map(([name, score]) => [
    data.titles[name],
    withInterval(score.a), withInterval(score.b), signed(score.difference),
    score.p_value === null ? "–"
      : element("span", { class: isSignificant(score) && "significant" }, `${page.number(score.p_value, 4)}${isSignificant(score) ? " *" : ""}`),
  ]);
  const test = data.test && `${data.tests[data.test.name]}, ${data.test.samples.toLocaleString("en")} samples, seed ${data.test.seed}`;
  const signatures = Object.entries(data.metrics).map(([name, score]) =>
    element("li", {}, `${data.titles[name]}: ${score.a.signature}`));
  return element("section", { class: "panel" },
    element("h2", {}, "Scores"),
    element("p", { class: "verdict" }, verdict()),
    element("dl", { class: "names" }, ...SIDES.flatMap((side) =>
      [element("dt", {}, tag(side)), element("dd", {}, element("bdi", {}, NAMES[side]))])),
    table("Scores", ["", "A", "B", "B − A", "p"], rows),
    element("p", { class: "soft small" },
      `${words(data.sentences, "sentence")}, compared with `, element("bdi", {}, data.references.join(", ")), ". ",
      test ? `p: how probable so large a difference would be by chance (${test})${data.small ? "" : `; * below ${data.level}`}. ` : "",
      Object.values(data.metrics).some((score) => score.a.bootstrap) ? "±: half of the 95 % interval. " : "",
      data.metrics.ter ? "Of TER, the lower is the better." : ""),
    element("details", {}, element("summary", {}, "sacreBLEU's signatures"), element("ul", { class: "signatures" }, ...signatures)));
};

const lengths = () => {
  const { bins, metric, of } = data.lengths, title = data.titles[metric];
  const most = metric === "ter" ? Infinity : 100; // half of an interval may reach beyond what a score can be
  const point = ({ score, bootstrap }) =>
    bootstrap ? { value: score, low: Math.max(0, score - half({ bootstrap })), high: Math.min(most, score + half({ bootstrap })) } : { value: score };
  const points = bins.map((bin) => ({ label: range(bin), held: bin.sentences, a: point(bin.a), b: point(bin.b) }));
  const frame = {
    bins: points, top: Math.max(...points.flatMap((bin) => SIDES.map((side) => bin[side].high ?? bin[side].value))),
    unit: title, across: `words of the ${of}`, held: "sentences",
  };
  const rows = bins.map((bin) => [
    range(bin), bin.sentences.toLocaleString("en"), withInterval(bin.a), withInterval(bin.b), signed(bin.b.score - bin.a.score)]);
  return panel(`${title} by length`,
    element("p", { class: "soft" }, `Sentences grouped by the words of the ${of}. A model that hands one vector of fixed size to its decoder falls behind where sentences are long (Bahdanau et al. 2015, figure 2).`),
    figure(linePlot, frame, `${title} by length`, ["words", "sentences", "A", "B", "B − A"], rows));
};

const frequencies = () => {
  const bins = data.frequencies.bins.filter((bin) => bin.words);
  if (!bins.length) return null;
  const value = (side) => ({ value: side.f1 * 100 });
  const frame = {
    bins: bins.map((bin) => ({ label: range(bin), held: bin.words, a: value(bin.a), b: value(bin.b) })),
    top: 100, unit: "F1, %", across: "how often a word occurs", held: "words of the reference",
  };
  const share = (part) => (part === null ? "–" : page.number(part * 100));
  const rows = bins.map((bin) => [
    range(bin), bin.words.toLocaleString("en"),
    ...SIDES.flatMap((side) => [share(bin[side].precision), share(bin[side].recall), share(bin[side].f1)])]);
  const head = ["occurs", "words", ...["A", "B"].flatMap((side) => [`${side} precision`, `${side} recall`, `${side} F1`])];
  return panel("Words by frequency",
    element("p", { class: "soft" }, "How many of the reference's words each translation has, and how many of its own are in the reference, by how often the word occurs in ",
      element("bdi", {}, data.frequencies.of), "."),
    figure(barPlot, frame, "Words by frequency", head, rows));
};

// A word without the punctuation around it; punctuation alone stays as it is.
const bare = (word) => word.replace(/^[\p{P}\p{S}]+|[\p{P}\p{S}]+$/gu, "") || word;

// The words of a translation, those that no reference has marked.
const marked = (side, text, references) => {
  if (!text.trim()) return element("span", { class: "soft" }, "(empty)");
  const known = new Set(references.flatMap((reference) => reference.split(/\s+/).map(bare)));
  return text.split(/(\s+)/).map((part) =>
    part.trim() && !known.has(bare(part)) ? element("span", { class: `other ${side}` }, part) : part);
};

const look = (side, one) => {
  const { attention } = one[side], name = `Attention of ${side.toUpperCase()}`;
  if (!attention && data.attention[side] !== "none") return null;
  if (!attention) {
    return element("div", { class: "look" }, element("h4", { class: "small" }, name),
      element("p", { class: "soft small" }, `${side.toUpperCase()} has none: all it knew of the source was one fixed vector.`));
  }
  return element("div", { class: "look" }, element("h4", { class: "small" }, name),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name }, attentionMatrix(side, attention)));
};

const sentence = (one) => {
  const row = (name, text) => [element("dt", {}, name), element("dd", { dir: "auto" }, text)];
  const translation = (side) => [
    element("dt", {}, tag(side), " ", element("span", { class: "score number" }, page.number(one[side].chrf, 1))),
    element("dd", { dir: "auto" }, marked(side, one[side].translation, one.references))];
  const looks = SIDES.map((side) => look(side, one)).filter(Boolean);
  return element("article", { class: "sentence" },
    element("h3", {}, `Line ${one.line}`),
    element("dl", { class: "texts" },
      ...(one.source === null ? [] : row("source", one.source)),
      ...one.references.flatMap((text) => row("reference", text)),
      ...SIDES.flatMap(translation)),
    looks.length ? element("details", { open: true }, element("summary", {}, "What each looked at"), element("div", { class: "looks" }, ...looks)) : null);
};

const differences = (side) => {
  const other = side === "a" ? "b" : "a";
  const some = data.differences.filter((one) => one[side].chrf > one[other].chrf);
  if (!some.length) return null;
  return panel(`${side.toUpperCase()} is better here`,
    element("p", { class: "soft" }, `The sentences where ${side.toUpperCase()} is furthest ahead, by sentence-level chrF2 (the number beside each translation). Dotted: words that no reference has.`),
    ...some.map(sentence));
};

page.main.replaceChildren(...[scores(), lengths(), frequencies(), differences("b"), differences("a")].filter(Boolean));

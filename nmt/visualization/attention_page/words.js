// How words, tokens and numbers are written.

const END = "</s>";

// A token as the tokenizer spells it: its ▁, which stands for a space, is there but steps back.
const tokenText = (token) => {
  if (token === END) return [page.element("span", { class: "end-mark", title: told.endMark }, token)];
  if (!token.startsWith("▁")) return [token];
  return [page.element("span", { class: "space-mark", title: told.space }, "▁"), token.slice(1)];
};

// What the marks among the tokens of a sentence mean.
const makeMarks = (part) => {
  const tokens = [...part.source_tokens, ...part.target_tokens];
  const spaces = tokens.some((token) => token.includes("▁"));
  return page.element(
    "p",
    { class: "soft small marks" },
    spaces && told.spaceMark,
    told.endMarks,
  );
};

const wordText = (text) => (view.unit === "tokens" ? tokenText(text) : [text]);

const quote = (nodes) => ["“", page.element("bdi", { class: "token-name" }, ...nodes), "”"];
const quoted = (token) => quote(tokenText(token));
const quotedWord = (text) => quote(wordText(text));

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

// A positive number with four significant digits: 1,235,000, 67.36, 0.01234, 1.235·10⁻⁷.
const significant = (value) => {
  if (value === 0) return "0";
  if (value >= 1000 && value < 1e9) return Number(value.toPrecision(4)).toLocaleString("en");
  if (value >= 1e-3 && value < 1000) {
    const digits = 3 - Math.floor(Math.log10(value));
    return value.toFixed(Math.min(Math.max(digits, 0), 6));
  }
  const [mantissa, exponent] = value.toExponential(3).split("e");
  return `${mantissa}·10${[...String(Number(exponent))].map((digit) => SUPERSCRIPTS[digit]).join("")}`;
};

// A probability that is not told as nothing or all where it is neither.
const likelihood = (share) => {
  if (share >= 0.99995) return "100%";
  if (share >= 0.001) return `${(share * 100).toFixed(1)}%`;
  return share >= 1e-6 ? `${Number((share * 100).toPrecision(2))}%` : "<0.0001%";
};

// A weight with four digits, or what is left of one that has none there.
const weightText = (weight) => (weight > 0 && weight < 0.00005 ? significant(weight) : page.number(weight, 4));

const sum = (values) => values.reduce((total, value) => total + value, 0);
const greatest = (values) => values.reduce((best, value, place) => (value > values[best] ? place : best), 0);

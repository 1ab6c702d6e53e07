// What is looked at, and who is told when that changes.
//
//   item       which sentence: a place in `items`
//   step       which step of the decoder, from 0
//   unit       "words" or "tokens": what the ribbons and the matrix are drawn of
//   row        the word or token of the translation that the pointer or the focus is at; null for none
//   column     the same of the source
//   position   the token of the source whose softmax is worked out; null for the one with the greatest weight
//   dimension  which of the numbers shown of a hidden state is followed

const view = { item: 0, step: 0, unit: "words", row: null, column: null, position: null, dimension: 0 };

let attended = null; // the data: what `attention_data` makes
let model = null;
let hasAttention = true;
let items = []; // one a sentence; a line that was translated in parts gives one for each

// Each panel has `build`, for another sentence or unit, and `update`, for what changes within one: for all that its
// `follows` names.
const panels = [];

// Begins anew with other data.
const take = (data) => {
  attended = data;
  model = data.model;
  hasAttention = model.attention !== "none";
  items = data.lines.flatMap((line, number) => {
    const name = `${number + 1}`;
    if (line.parts.length === 0) return [{ name, line, part: null }];
    const several = line.parts.length > 1;
    return line.parts.map((part, place) => ({ name: several ? told.part(name, place + 1) : name, line, part }));
  });
  panels.length = 0;
  Object.assign(view, { item: 0, step: 0, unit: data.unit, row: null, column: null, position: null, dimension: 0 });
};

const currentPart = () => items[view.item]?.part ?? null;

// The sides of ribbons and matrix, and the weights between them, in the unit that is chosen.
const sides = (part) =>
  view.unit === "words"
    ? { source: part.source_words, target: part.target_words, weights: part.words }
    : { source: part.source_tokens, target: part.target_tokens, weights: part.weights };

// The row of the step at hand: null where the token belongs to no word, as the end mark.
const rowOfStep = (part, step) => {
  if (view.unit === "tokens") return step;
  const word = part.target_token_words[step];
  return word >= 0 ? word : null;
};

// The first step that writes something of a row.
const stepOfRow = (part, row) => (view.unit === "tokens" ? row : part.target_token_words.indexOf(row));

// Whether a token of the source belongs to a column.
const isInColumn = (part, position, column) =>
  column !== null && (view.unit === "tokens" ? position : part.source_token_words[position]) === column;

const change = (changes) => {
  const before = { ...view };
  if ("item" in changes && changes.item !== view.item) Object.assign(view, { step: 0, position: null });
  Object.assign(view, changes);
  if (view.step !== before.step) view.position = null;
  const rebuild = view.item !== before.item || view.unit !== before.unit;
  if (rebuild) Object.assign(view, { row: null, column: null });
  for (const panel of panels) {
    if (rebuild) panel.build();
    if (rebuild || panel.follows.some((name) => view[name] !== before[name])) panel.update();
  }
};

const stepTo = (step) => {
  const part = currentPart();
  if (part === null) return;
  const last = part.target_tokens.length - 1;
  change({ step: Math.min(Math.max(step, 0), last), row: null });
};

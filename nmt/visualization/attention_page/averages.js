// Why the weights of a word may differ from those of its tokens, where they do.

const SHARE_TOLD = 0.005; // of the end mark

const stepsOfRow = (part, row) => part.target_token_words.flatMap((word, step) => (word === row ? [step] : []));

const shareOfEndMark = (part, steps) => sum(steps.map((step) => part.weights[step].at(-1))) / steps.length;

const nameOfSteps = (steps) => {
  const ends = [steps[0] + 1, steps.at(-1) + 1];
  return steps.length === 1 ? `step ${ends[0]}` : `steps ${ends[0]} ${steps.length === 2 ? "and" : "to"} ${ends[1]}`;
};

// How the weights of a word come from those of its tokens: null where they are the same.
const averageOfRow = (part, row) => {
  if (view.unit === "tokens" || row === null || !hasAttention) return null;
  const steps = stepsOfRow(part, row);
  if (steps.length === 0) return null;
  const share = shareOfEndMark(part, steps);
  const without = share >= SHARE_TOLD ? `without the ${page.percent(share)} that the end mark got` : null;
  if (steps.length > 1) return `an average over the ${steps.length} tokens of the word, ${nameOfSteps(steps)}${without ? `, ${without}` : ""}`;
  return without;
};

// The same, said of the step at hand.
const averageOfStep = (part) => {
  const row = rowOfStep(part, view.step);
  const how = averageOfRow(part, row);
  if (how === null) return [];
  return [" The weights below are those of this one token. Those of the word ", ...quotedWord(part.target_words[row]), ` above are ${how.startsWith("an") ? how : `the same ${how}`}.`];
};

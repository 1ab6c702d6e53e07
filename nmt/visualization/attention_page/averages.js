// Why the weights of a word may differ from those of its tokens, where they do.

const SHARE_TOLD = 0.005; // of the end mark

const stepsOfRow = (part, row) => part.target_token_words.flatMap((word, step) => (word === row ? [step] : []));

const shareOfEndMark = (part, steps) => sum(steps.map((step) => part.weights[step].at(-1))) / steps.length;

// How the weights of a word come from those of its tokens: null where they are the same.
const averageOfRow = (part, row) => {
  if (view.unit === "tokens" || row === null || !hasAttention) return null;
  const steps = stepsOfRow(part, row);
  if (steps.length === 0) return null;
  const share = shareOfEndMark(part, steps);
  const without = share >= SHARE_TOLD ? told.without(page.percent(share)) : null;
  return steps.length > 1 ? told.average(steps.length, steps[0] + 1, steps.at(-1) + 1, without) : without;
};

// The same, said of the step at hand.
const averageOfStep = (part) => {
  const row = rowOfStep(part, view.step);
  const how = averageOfRow(part, row);
  if (how === null) return [];
  return told.ofOneToken(quotedWord(part.target_words[row]), how, stepsOfRow(part, row).length > 1).flat();
};

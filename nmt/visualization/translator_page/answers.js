// What the server answers, as the page shows it: sentences, and in each the pieces that look at each other.

const WRITES_NO_SPACES = new Set(["zh", "ja", "yue", "wuu", "th", "lo", "km", "my", "bo", "dz"]);
const writesNoSpaces = (code) => WRITES_NO_SPACES.has(code.toLowerCase().split(/[-_]/)[0]);

const surfaceOf = (token) => token.replaceAll("▁", " ").trim();

// The pieces of a sentence, its source and its translation, and the weights between them: words or, where one of the
// languages writes no spaces, tokens.
const piecesOf = (sentence, byTokens) => {
  const weights = byTokens ? sentence.attention_tokens?.weights : sentence.attention?.weights;
  if (byTokens && weights?.length) {
    const { source_tokens: sources, target_tokens: targets } = sentence.attention_tokens;
    return {
      source: placesOf(sources.slice(0, -1).map(surfaceOf), sentence.source),
      target: placesOf(targets.map(surfaceOf), sentence.translation),
      weights,
    };
  }
  return {
    source: placesOf(sentence.attention?.source_words ?? wordsOf(sentence.source), sentence.source),
    target: placesOf(sentence.attention?.target_words ?? wordsOf(sentence.translation), sentence.translation),
    weights: byTokens ? [] : (weights ?? []),
  };
};

// The answer of a model to a text.
const readAnswer = (answer, text) => {
  const unit = unitsOf(text);
  const byTokens = writesNoSpaces(answer.source) || writesNoSpaces(answer.target);
  const sentences = answer.sentences.map((sentence) => {
    const begin = unit(sentence.start);
    // What has no letter passes unchanged, with certainty, and the model is not asked.
    const isCopied = sentence.score === 0 && sentence.translation === sentence.source;
    return { ...sentence, isCopied, begin, end: begin + sentence.source.length, pieces: piecesOf(sentence, byTokens), shown: sentence.translation };
  });
  return { text, model: answer.model, sentences, after: answer.after };
};

const wholeTranslation = (answer) => answer.sentences.map((one) => one.before + one.shown).join("") + answer.after;

// Weights of all pieces of the other side for one that is pointed at: [] where there are none.
const weightsAt = ({ pieces }, side, piece) =>
  side === "target" ? (pieces.weights[piece] ?? []) : pieces.weights.map((row) => row[piece] ?? 0);

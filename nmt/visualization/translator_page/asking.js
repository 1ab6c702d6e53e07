// Asks for translations as one types: when typing pauses, and always for the latest text alone.

const PAUSE = 300; // milliseconds without a key
const MOST_HYPOTHESES = 5;
const MOST_TRIES = 5;
const SECONDS = 3; // until the next try, where the server does not say

const makeAsking = ({ waits, answered, refused }) => {
  let timer = null;
  let controller = null;
  let tries = 0;
  let latest = null;

  const stop = () => {
    clearTimeout(timer);
    controller?.abort();
    controller = null;
  };

  const ask = (text, models, pause) => {
    stop();
    tries = 0;
    latest = { text, models };
    if (text.trim() !== "") timer = setTimeout(run, pause ? PAUSE : 0);
  };

  const run = async () => {
    const mine = new AbortController();
    controller = mine;
    const { text, models } = latest;
    waits();
    tries += 1;
    const one = async (model) => {
      const body = { text, model: model.name, n_best: Math.min(model.beam_size, MOST_HYPOTHESES), confidence: true, alignment: "soft" };
      const answer = await askServer("/v1/translate", body, mine.signal);
      if (!mine.signal.aborted) answered(model, readAnswer(answer.translations[0], text));
    };
    try {
      await Promise.all(models.map(one));
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!(error instanceof Refusal)) throw error;
      mine.abort();
      const repeats = REPEATED.has(error.status) && tries < MOST_TRIES;
      const seconds = Math.min(error.seconds ?? SECONDS, 60);
      if (repeats) timer = setTimeout(run, seconds * 1000);
      refused(error, seconds);
    }
  };

  const again = () => latest !== null && ask(latest.text, latest.models, false);
  return { ask, again, stop };
};

// The page as a whole.

const makeTranslator = (served) => {
  const { element } = page;
  const answers = new Map(); // by the name of the model; those of the latest text
  let outputs = [];
  let open = null; // the sentence below: its model and number

  const note = makeNote();
  const columns = element("div", { class: "outputs" });
  const chosen = new Map(); // by model and sentence, the translation that the user prefers to the first
  const keyOf = (model, sentence) => `${model.name}\n${sentence.source}`;

  const source = makeSource({
    typed: () => typed(true),
    pointed: (at) => point(at, null),
    opened: (number) => {
      const model = open?.model ?? outputs[0]?.model ?? null;
      if (model !== null && answers.has(model.name)) openSentence(model, number);
    },
  });
  const models = makeModels(served, (taken) => changeModels(taken));
  const walk = makeWalkDialog();
  const sentence = makeSentencePanel({
    choose: (number, text) => {
      const one = answers.get(open.model.name).sentences[number];
      one.shown = text;
      chosen.set(keyOf(open.model, one), text);
      outputOf(open.model).show(answers.get(open.model.name));
      openSentence(open.model, number);
    },
    how: (one) => walk.open(open.model, one),
  });
  const access = makeAccess(() => asking.again());
  const status = makeStatus(() => asking.again());
  const asking = makeAsking({
    waits: () => outputs.forEach((output) => output.wait()),
    answered: (model, answer) => {
      access.done();
      for (const one of answer.sentences) {
        const text = chosen.get(keyOf(model, one));
        if (one.hypotheses.some((hypothesis) => hypothesis.translation === text)) one.shown = text;
      }
      answers.set(model.name, answer);
      outputOf(model).show(answer);
      source.show(firstAnswer());
      status.calm(said.done(page.readable(wholeTranslation(answer).slice(0, 300))));
      openSentence(open?.model ?? model, open?.number ?? 0);
      point(null, null);
    },
    refused: (refusal, seconds) => {
      if (wantsKey(refusal)) access.ask();
      else status.warn(refusal, seconds);
    },
  });

  const outputOf = (model) => outputs.find((output) => output.model === model);
  const firstAnswer = () => outputs.map((output) => answers.get(output.model.name)).find((answer) => answer !== undefined) ?? null;

  const typed = (pause) => {
    const text = source.field.value;
    answers.clear();
    sentence.wait();
    source.show(null);
    point(null, null);
    if (text.trim() === "") {
      chosen.clear();
      for (const output of outputs) output.show(null);
      openSentence(null, 0);
      status.calm("");
    }
    asking.ask(text, models.chosen(), pause);
  };

  const changeModels = (taken) => {
    const translation = firstAnswer();
    outputs = models.chosen().map((model) => {
      const known = outputOf(model);
      return known ?? makeOutput(model, { pointed: (at) => point(at, model), opened: (number) => openSentence(model, number) });
    });
    for (const output of outputs) output.isAlone(outputs.length === 1);
    if (open !== null && !outputs.some((output) => output.model === open.model)) openSentence(null, 0);
    columns.replaceChildren(...outputs.map((output) => output.node));
    source.setLanguage(models.state.source);
    if (taken === "translation" && translation !== null) source.field.value = wholeTranslation(translation);
    typed(false);
  };

  const openSentence = (model, number) => {
    const one = answers.get(model?.name)?.sentences[number] ?? null;
    if (model !== null && one === null && number > 0) return openSentence(model, 0);
    open = model === null ? null : { model, number };
    if (model === null || answers.has(model.name)) sentence.show(model, one, number);
    for (const output of outputs) output.mark(output.model === model && one !== null && outputs.length + (answers.get(model.name).sentences.length ?? 0) > 2 ? number : null);
    return undefined;
  };

  // Colours what belongs together, for a word of the text or, with its model, of a translation.
  const point = (at, model) => {
    for (const output of outputs) output.light(null, []);
    source.light(null, []);
    const answer = model === null ? firstAnswer() : (answers.get(model.name) ?? null);
    const one = at === null ? undefined : answer?.sentences[at.sentence];
    if (one === undefined) {
      note.invite(answer !== null, outputs.some((output) => output.model.attention !== "none"));
      return;
    }
    const itself = Object.assign([], { [at.piece]: 1 });
    if (at.side === "target") {
      const own = one.shown === one.translation;
      outputOf(model).light(at.sentence, itself);
      source.light(at.sentence, own ? weightsAt(one, "target", at.piece) : []);
      note.tellTarget(one, own ? at.piece : null, model);
      return;
    }
    source.light(at.sentence, itself);
    for (const output of outputs) {
      const its = answers.get(output.model.name)?.sentences[at.sentence];
      if (its && its.shown === its.translation) output.light(at.sentence, weightsAt(its, "source", at.piece));
    }
    note.tellSource(one, at.piece);
  };

  changeModels(null);
  const both = element("div", { class: "both-sides" }, source.node, columns);
  return { nodes: [models.node, access.node, status.node, both, note.node, sentence.node, walk.node], focus: () => source.field.focus() };
};

// Asks for the key where one is needed, then what is served, until there is an answer; then shows the page.
let nextStart = null;
const startTranslator = async () => {
  clearTimeout(nextStart);
  const access = makeAccess(startTranslator);
  const status = makeStatus(startTranslator);
  const askKey = () => {
    page.main.replaceChildren(access.node, status.node);
    access.ask();
  };
  if (page.data.needsKey && apiKey === null) return askKey();
  try {
    const { models } = await askServer("/v1/models", null);
    const translator = makeTranslator(models);
    page.main.replaceChildren(...translator.nodes);
    translator.focus();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (wantsKey(error)) return askKey();
    page.main.replaceChildren(access.node, status.node);
    const seconds = Math.min(error.seconds ?? SECONDS, 60);
    status.warn(error, seconds);
    if (REPEATED.has(error.status)) nextStart = setTimeout(startTranslator, seconds * 1000);
  }
};

document.documentElement.lang = page.language;
document.title = said.title;
document.querySelector(".page-header h1").textContent = said.title;
page.nameThemes(told);
startTranslator();

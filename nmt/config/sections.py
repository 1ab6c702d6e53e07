"""The sections of a configuration: every key with its type, its default and its meaning."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_serializer, model_validator

from nmt.config.parallel_files import ParallelFiles, TrainingSets, ValidationSets
from nmt.config.section import Section
from nmt.config.types import (
    BeamWidth,
    Betas,
    Count,
    Coverage,
    Exponent,
    Factor,
    FilePath,
    FilePaths,
    Fraction,
    FrozenParts,
    Language,
    Layers,
    Natural,
    NonNegative,
    OpenFraction,
    Parts,
    Positive,
    Ratio,
    Size,
    Switch,
    VocabularySize,
    Weight,
)

Normalization = Literal["nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf", "identity"]
BleuTokenizer = Literal["13a", "none", "intl", "zh", "char", "ja-mecab", "ko-mecab", "flores101", "flores200"]
TieEmbeddings = Literal["all", "output", "inputs", "none"]


class DataConfig(Section):
    """Languages and files."""

    source_language: Language = Field(description="code of the language to translate from")
    target_language: Language = Field(description="code of the language to translate into")
    train: TrainingSets = Field(
        description="pairs to learn from; of a list, each mapping is a corpus with a weight and a tag of its own"
    )
    validation: ValidationSets = Field(
        description="pairs that choose the best checkpoint; a list, too, where they have several tags"
    )
    test: ParallelFiles | None = Field(default=None, description="pairs that `nmt eval MODEL` and `nmt compare` score")
    max_length: Count = Field(default=100, description="tokens a side; longer training pairs are left out and counted")
    max_length_ratio: Ratio | None = Field(
        default=None, description="training pairs whose token lengths differ by more than this factor are left out"
    )
    drop_duplicates: Switch = Field(default=False, description="leave out training pairs that occurred before")
    prepared: FilePath | None = Field(
        default=None,
        description="a run directory; what it has prepared of the same text in the same way is taken over, as from the "
        "runs beside this one",
    )

    @field_serializer("train", "validation")
    def _alone_as_mapping(self, sets: tuple[ParallelFiles, ...]) -> object:
        written = [files.model_dump() for files in sets]
        return written[0] if len(written) == 1 else written


class TokenizerConfig(Section):
    """The tokenizer and its training."""

    kind: Literal["unigram", "bpe", "char", "word"] = Field(default="unigram", description="SentencePiece model type")
    vocabulary_size: VocabularySize = Field(
        default=4000, description="entries; lowered, with a warning, when the corpus cannot fill it"
    )
    shared: Switch = Field(default=True, description="one vocabulary for both languages")
    source_model: FilePath | None = Field(
        default=None, description="an existing SentencePiece model to use; with `shared`, for both languages"
    )
    target_model: FilePath | None = Field(
        default=None, description="the same for the target language, without `shared`"
    )
    character_coverage: Coverage = Field(
        default=1.0, description="share of the corpus's characters the vocabulary covers"
    )
    byte_fallback: Switch = Field(
        default=True, description="unknown characters survive as UTF-8 bytes instead of becoming `<unk>`"
    )
    normalization: Normalization = Field(
        default="nmt_nfkc",
        description="SentencePiece's normalization rule for the source: spellings of one text become one (`²` is `2`); "
        "those with `_cf` fold case; an existing model has its own",
    )
    target_normalization: Normalization = Field(
        default="identity",
        description="the same for the target; what it folds, no translation can hold: `identity` keeps all but runs of "
        "spaces",
    )
    subword_regularization: NonNegative = Field(
        default=0.0,
        description="training text is segmented at random: smoothing of the sampling for unigram, "
        "probability of leaving out a merge for bpe; 0 is off",
    )
    training_lines: Count = Field(
        default=200_000, description="lines of each side the tokenizer is trained on at most, drawn by `seed`"
    )


class EncoderConfig(Section):
    """The bidirectional encoder."""

    hidden_size: Size = Field(default=192, description="state size of each direction")
    layers: Layers = Field(default=1, description="LSTM layers")


class DecoderConfig(Section):
    """The decoder."""

    hidden_size: Size = Field(default=384, description="state size")
    layers: Layers = Field(default=1, description="LSTM layers")
    conditional: Switch = Field(
        default=False, description="two transitions a word: attention is queried by a state that has seen the last word"
    )


class ModelConfig(Section):
    """The network."""

    attention: Literal["additive", "general", "dot", "none"] = Field(
        default="additive", description="how a source position is scored; `none` is the plain encoder-decoder"
    )
    attention_size: Size = Field(default=256, description="size of the space additive attention compares in")
    embedding_size: Size = Field(default=256, description="size of a token's vector")
    readout_size: Size = Field(default=256, description="size of the layer before the vocabulary")
    tie_embeddings: TieEmbeddings = Field(
        default="all",
        description="tables that are one: `all` (source, target, output), `output` (target, output), `inputs` "
        "(source, target); left out, as much as vocabularies and sizes allow",
    )
    encoder: EncoderConfig = Field(default=EncoderConfig(), description="the bidirectional encoder")
    decoder: DecoderConfig = Field(default=DecoderConfig(), description="the decoder")
    dropout: Fraction = Field(default=0.3, description="probability of dropping a unit")
    variational_dropout: Switch = Field(default=False, description="one dropout mask for a whole sentence")
    word_dropout: Fraction = Field(
        default=0.0, description="probability of zeroing a token's whole embedding, source and target"
    )
    layer_norm: Switch = Field(default=False, description="layer normalization")


class TrainingConfig(Section):
    """The training: batches, optimizer, schedule, limits, validation and checkpoints.

    The defaults are the recipe for about 30,000 pairs and twenty minutes of two cores (see `nmt.recipes.choice`).
    """

    @model_validator(mode="before")
    @classmethod
    def _one_warmup(cls, values: Any) -> Any:
        """Leaves out the default of `warmup_ratio` where the warm-up is told otherwise."""
        if not isinstance(values, dict) or "warmup_ratio" in values:
            return values
        is_usual = "warmup_steps" not in values and values.get("schedule", "cosine") == "cosine"
        return values if is_usual else {**values, "warmup_ratio": None}

    initialize_from: FilePath | None = Field(
        default=None,
        description="a model to go on from, which a run, a checkpoint or an exported model has: sizes of the network, "
        "tokenizers and weights are its own",
    )
    initialize_tokenizers: Switch = Field(
        default=True,
        description="take that model's tokenizers, too; `false` makes those of `tokenizer`, and takes the embeddings "
        "of pieces that both have",
    )
    freeze: FrozenParts = Field(
        default=(), description="parts of the network that do not learn: embeddings, encoder, attention, decoder"
    )
    batch_tokens: Count = Field(
        default=1024,
        description="target tokens of one update, end marks in, padding out, over processes and accumulation",
    )
    accumulation: Parts = Field(default=1, description="parts an update is computed in")
    max_epochs: Count | None = Field(default=30, description="passes over the training pairs")
    max_steps: Count | None = Field(default=None, description="updates")
    max_minutes: Positive | None = Field(
        default=None,
        description="minutes of training with its validations; preparation and the last validation are not counted",
    )
    optimizer: Literal["adam", "adamw"] = Field(default="adam", description="the optimizer")
    learning_rate: Positive = Field(default=5e-3, description="the highest learning rate")
    adam_betas: Betas = Field(default=(0.9, 0.999), description="decay of Adam's two averages")
    adam_epsilon: Positive = Field(default=1e-8, description="Adam's epsilon")
    weight_decay: NonNegative = Field(default=0.0, description="decoupled weight decay; needs adamw")
    schedule: Literal["constant", "inverse_sqrt", "plateau", "cosine"] = Field(
        default="cosine",
        description="the learning rate after warm-up; `cosine` ends with the training, at the first of `max_steps`, "
        "`max_epochs` and `max_minutes`",
    )
    warmup_steps: Natural = Field(default=0, description="updates over which the learning rate rises linearly")
    warmup_ratio: OpenFraction | None = Field(
        default=0.08,
        description="in place of `warmup_steps`, the share of the training over which it rises; left out, null beside "
        "`warmup_steps` and with a schedule other than `cosine`",
    )
    plateau_factor: OpenFraction = Field(default=0.5, description="what `plateau` multiplies the learning rate by")
    plateau_patience: Count = Field(
        default=3, description="validations without a better score before `plateau` does so"
    )
    minimum_learning_rate: NonNegative = Field(default=0.0, description="the schedule goes no lower")
    clip_norm: Positive | None = Field(default=1.0, description="longest gradient that is not scaled down")
    label_smoothing: Fraction = Field(default=0.1, description="probability spread over the whole vocabulary")
    r_drop: Weight = Field(
        default=0.0,
        description="weight of R-Drop: each pair is read twice, with dropout of its own, and the two predictions are "
        "drawn to each other; takes about twice the time and memory; 0 is off",
    )
    guided_alignment: Weight = Field(
        default=0.0,
        description="weight of guided alignment, which draws attention to alignments of the training pairs; needs "
        "attention; 0 is off",
    )
    alignments: FilePaths | None = Field(
        default=None,
        description="these alignments of words, in Pharaoh format, a line for each pair of `data.train`; null learns "
        "alignments of tokens from `data.train`, by IBM Model 1",
    )
    average_decay: Fraction = Field(
        default=0.99, description="decay of the weights' exponential moving average; 0 is off"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="of matrix products; `auto` is whatever the device does fast"
    )
    cuda_graphs: Switch = Field(
        default=True, description="on one GPU, record the work on each shape of batches and replay it"
    )
    log_every: Count = Field(
        default=20, description="steps between records of `metrics.jsonl`; the log has a line in ten seconds at most"
    )
    validate_every: Count = Field(default=500, description="steps between validations")
    save_every_minutes: Positive = Field(
        default=10.0, description="minutes between checkpoints; each validation makes one too"
    )
    patience: Count | None = Field(default=None, description="validations without a better score before training ends")
    early_stopping_metric: Literal["auto", "bleu", "chrf", "perplexity"] = Field(
        default="auto",
        description="which score is meant; `auto` is BLEU where it finds words in the references of the validation, "
        "and chrF elsewhere",
    )
    validation_tokenize: Literal["auto", BleuTokenizer] = Field(
        default="auto",
        description="sacreBLEU's tokenizer for the BLEU of validations; `auto` is `13a`, but `zh` for Chinese and "
        "`char` for other text without spaces between words",
    )
    keep_checkpoints: Count = Field(default=2, description="checkpoints kept besides best and last")
    validation_samples: Natural = Field(default=3, description="translations shown in the log at each validation")
    tensorboard: Switch = Field(default=False, description="write TensorBoard logs; needs the extra `tensorboard`")


class SearchConfig(Section):
    """The search for translations."""

    beam_size: BeamWidth = Field(default=5, description="hypotheses kept; 1 is greedy")
    length_penalty: Exponent = Field(default=1.0, description="score = log-probability / length ^ length_penalty")
    coverage_penalty: Weight = Field(default=0.0, description="weight of GNMT's coverage penalty; needs attention")
    max_length: Size = Field(default=256, description="longest translation in tokens")
    max_length_ratio: Factor = Field(
        default=3.0, description="longest translation is also this times the source's tokens, plus 10"
    )
    no_repeat_ngram: Natural = Field(default=0, description="no n-gram of this length occurs twice; 0 is off")
    shortlist: Natural = Field(
        default=0,
        description="translations of each source token that a sentence may use, besides the most frequent tokens; "
        "needs `nmt shortlist`; 0 is the whole vocabulary",
    )
    batch_tokens: Count = Field(default=4096, description="source tokens of the sentences translated at once")

"""The whole model: source tokens in, readouts and logits over the target vocabulary out."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from nmt.model.attention import Memory, make_attention
from nmt.model.decoder import Decoder, DecoderOutput, DecoderState
from nmt.model.dropout import Dropout, drop_words
from nmt.model.encoder import Encoder
from nmt.model.kernels.matmul import accurate, for_products, mm, outside_autocast, product
from nmt.model.kernels.packing import pack, pack_in_int8
from nmt.model.kernels.rows import embedding_rows
from nmt.model.restricted_output import RestrictedOutput

LARGEST_TABLE = 1 << 25  # maximum size of `Seq2Seq.word_gates`, in numbers
ROWS_OF_LOGITS = 1024  # rows whose logits over the vocabulary are in memory at once in scoring


class SearchState(NamedTuple):
    """The state that search carries from word to word: the part fixed for a sentence, and the part that changes."""

    memory: Memory
    decoder: DecoderState
    output: RestrictedOutput | None = None  # over restricted vocabularies; None for the whole one

    def select(self, sentences: Tensor | None, hypotheses: Tensor) -> Self:
        """Keeps some `sentences` (B',) (None: all), and of each the present `hypotheses` (B', K')."""
        width = self.decoder.hidden.shape[1]
        first = torch.arange(len(self.memory.mask), device=hypotheses.device) if sentences is None else sentences
        rows = (first[:, None] * width + hypotheses).flatten()
        memory = self.memory if sentences is None else self.memory.select(sentences)
        output = self.output if self.output is None or sentences is None else self.output.select(sentences)
        return type(self)(memory, self.decoder.select(rows, hypotheses.shape[1]), output)


class TeacherForced(NamedTuple):
    """The output of teacher forcing, time-major."""

    readouts: Tensor  # (T, B, R); logits are their product with the output weight
    weights: Tensor  # (T, B, S) attention; S = 0 without attention


class TracedStep(NamedTuple):
    """A step of search, with the values of its attention."""

    logits: Tensor  # (B, K, V)
    state: SearchState  # after the step
    query: Tensor  # (B, K, H), which is compared with the keys
    scores: Tensor  # (B, K, S) before softmax; S = 0 without attention
    context: Tensor  # (B, K, C)
    weights: Tensor  # (B, K, S); S = 0 without attention


class Seq2Seq(nn.Module):
    """The attentional encoder-decoder of Bahdanau, Cho and Bengio (2015, arXiv:1409.0473).

    `tie_embeddings` is all (source, target and output share one matrix), output (target and output), inputs (source
    and target) or none; raises ValueError if the sizes do not allow it.
    """

    def __init__(
        self,
        *,
        source_vocabulary: int,
        target_vocabulary: int,
        embedding_size: int,
        encoder_size: int,
        encoder_layers: int,
        decoder_size: int,
        decoder_layers: int,
        conditional: bool,
        attention: str,
        attention_size: int,
        readout_size: int,
        tie_embeddings: str,
        dropout: float = 0.0,
        variational_dropout: bool = False,
        word_dropout: float = 0.0,
        layer_norm: bool = False,
    ) -> None:
        super().__init__()
        if tie_embeddings in ("all", "inputs") and source_vocabulary != target_vocabulary:
            sizes = f"{source_vocabulary} and {target_vocabulary}"
            raise ValueError(f"tying source and target wants one vocabulary, not {sizes}")
        if tie_embeddings in ("all", "output") and readout_size != embedding_size:
            sizes = f"{embedding_size}, not {readout_size}"
            raise ValueError(f"tying the output wants a readout of the embedding's size {sizes}")
        self.dropout = Dropout(dropout, variational_dropout)
        self.word_dropout = word_dropout
        self.source_embedding = self.target_embedding = make_embedding(source_vocabulary, embedding_size)
        if tie_embeddings not in ("all", "inputs"):
            self.target_embedding = make_embedding(target_vocabulary, embedding_size)
        self.output_embedding = self.target_embedding
        if tie_embeddings not in ("all", "output"):
            self.output_embedding = make_embedding(target_vocabulary, readout_size)
        annotation_size = 2 * encoder_size
        self.encoder = Encoder(embedding_size, encoder_size, encoder_layers, self.dropout, layer_norm=layer_norm)
        self.decoder = Decoder(
            embedding_size,
            annotation_size,
            decoder_size,
            decoder_layers,
            readout_size,
            make_attention(attention, decoder_size, annotation_size, attention_size),
            self.dropout,
            conditional=conditional,
            layer_norm=layer_norm,
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                initialize_linear(module)

    @property
    def output_weight(self) -> Tensor:
        """The matrix whose product with a readout gives the logits, (V, R)."""
        return self.output_embedding.weight

    def hold_matrices_in(self, dtype: torch.dtype) -> None:
        """Keeps the matrices in the type that their products run in, so that no step of a search converts them again.

        The matrices of a decoder step are packed for few rows. Vectors stay as they are, for elementwise work. In int8
        are the matrices of a step alone, and those of the encoder in float32. Afterwards the model can translate, but
        not be trained.
        """
        for name, parameter in self.named_parameters():
            if name.endswith("weight") and parameter.dim() > 1 and parameter.shape[0] > 1:
                if dtype == torch.int8:
                    if name.startswith("decoder.") or parameter is self.output_weight:
                        pack_in_int8(parameter, transposed=name.endswith(("input_weight", "recurrent_weight")))
                    continue
                held, transposed = parameter.data.to(dtype), name.endswith(("input_weight", "recurrent_weight"))
                if dtype == torch.bfloat16 and transposed:
                    # In the memory layout of `nn.Linear`, oneDNN's products of few rows take two thirds of the time.
                    held = held.mT.contiguous().mT
                parameter.data = held
                if name.startswith("decoder.") or parameter is self.output_weight:
                    pack(parameter, transposed=transposed)

    def embed(self, tokens: Tensor, embedding: nn.Embedding) -> Tensor:
        """Embeds token ids, (·, ·) -> (·, ·, E), with dropout of features and words in training."""
        vectors = embedding(tokens) if tokens.device.type == "cpu" else embedding_rows(embedding.weight, tokens)
        embedded = self.dropout(for_products(vectors))
        return drop_words(embedded, self.word_dropout) if self.training else embedded

    def encode(self, source: Tensor, lengths: Tensor, *, by_steps: bool = False) -> Memory:
        """Encodes source tokens (B, S), right-padded, of `lengths` (B,) for the decoder."""
        mask = torch.arange(source.shape[1], device=source.device) < lengths[:, None]
        embedded = self.embed(source.t(), self.source_embedding)
        annotations = self.encoder(embedded, lengths, by_steps=by_steps)  # (S, B, C)
        half = annotations.shape[-1] // 2
        last = annotations[..., :half].gather(0, (lengths - 1)[None, :, None].expand(1, -1, half))[0]
        summary = torch.cat([last, annotations[0, :, half:]], dim=-1)
        annotations = annotations.transpose(0, 1).contiguous()  # (B, S, C)
        return Memory(annotations, self.decoder.attention.keys(annotations), mask, summary)

    def forward(
        self,
        source: Tensor,
        lengths: Tensor,
        target_input: Tensor,
        *,
        by_steps: bool = False,
        weights_learn: bool = False,
    ) -> TeacherForced:
        """Runs teacher forcing: source (B, S), its lengths (B,), and begin mark and target (B, T).

        The readout at each position depends on the source and the target up to there. `by_steps` runs all recurrences
        step by step under autograd, which is the definition that the fast loops are tested against. The attention of
        the loops carries a gradient only if `weights_learn`.
        """
        memory = self.encode(source, lengths, by_steps=by_steps)
        embedded = self.embed(target_input.t(), self.target_embedding)  # (T, B, E)
        output = self.decoder(embedded, memory, by_steps=by_steps, weights_learn=weights_learn)
        return TeacherForced(self.decoder.readout(output, embedded), output.weights)

    def start(self, memory: Memory) -> SearchState:
        """Returns the state of search before the first word."""
        return SearchState(memory, self.decoder.start(memory))

    def word_gates(self) -> Tensor | None:
        """Tabulates what each target word adds to the decoder's gates, (V, 4H), which saves `step` a product.

        Returns None if the table would be too large. It is valid for as long as the weights do not change.
        """
        weight = self.target_embedding.weight
        if len(weight) * self.decoder.bias.numel() > LARGEST_TABLE:
            return None
        return self.decoder.word_gates(for_products(weight))

    def step(
        self, tokens: Tensor, state: SearchState, word_gates: Tensor | None = None
    ) -> tuple[Tensor, SearchState, Tensor | None]:
        """Runs a step of search from the previous token of each hypothesis, (B, K), with the table if there is one.

        With a restricted `output` in the state, tokens and logits are those of each sentence's own vocabulary.
        Returns logits (B, K, V), the state after them, and attention weights (B, K, S), None without attention.
        """
        logits, after, output, _ = self._step(tokens, state, word_gates)
        return logits, after, output.weights if output.weights.shape[-1] else None

    def trace_step(self, tokens: Tensor, state: SearchState) -> TracedStep:
        """Runs a `step`, and returns the values of its attention, too."""
        logits, after, output, gates = self._step(tokens, state, None)
        query = self.decoder.query(gates, state.decoder)
        return TracedStep(logits, after, query, self.decoder.scores(query, state.memory), *output[1:])

    def _step(
        self, tokens: Tensor, state: SearchState, word_gates: Tensor | None
    ) -> tuple[Tensor, SearchState, DecoderOutput, Tensor]:
        """Returns the logits, the state after the step, the decoder's output and what the words added to its gates."""
        restricted = state.output
        words = tokens if restricted is None else restricted.whole(tokens)
        embedded = self.embed(words, self.target_embedding)
        gates = self.decoder.word_gates(embedded) if word_gates is None else functional.embedding(words, word_gates)
        output, decoder_state = self.decoder.step(gates, state.decoder, state.memory)
        readout = self.decoder.readout(output, embedded)
        logits = product(readout, self.output_weight) if restricted is None else restricted.logits(readout)
        return logits, SearchState(state.memory, decoder_state, restricted), output, gates

    def log_probabilities(self, readouts: Tensor, target_output: Tensor) -> Tensor:
        """Computes the log-probability of each target token, without gradient: (T, B, R), (B, T) -> (B, T) float32."""
        targets = target_output.t().flatten()
        rows = readouts.flatten(0, 1)
        parts = []
        with torch.no_grad(), outside_autocast(rows.device):
            weight = accurate(self.output_weight)  # in bfloat16, logits of 16 would be rounded to eighths
            for chunk, chunk_targets in zip(rows.split(ROWS_OF_LOGITS), targets.split(ROWS_OF_LOGITS), strict=True):
                logits = mm(accurate(chunk).to(weight.dtype), weight.t())
                chosen = logits.gather(1, chunk_targets[:, None])[:, 0]
                parts.append(chosen - torch.logsumexp(logits, 1))
        return torch.cat(parts).view(target_output.shape[1], -1).t()


def make_embedding(vocabulary: int, size: int) -> nn.Embedding:
    """Makes an embedding whose rows have about unit length, which suits input and output alike."""
    embedding = nn.Embedding(vocabulary, size)
    nn.init.normal_(embedding.weight, std=1 / math.sqrt(size))
    return embedding


def initialize_linear(layer: nn.Linear) -> None:
    """Draws weights by Glorot and Bengio (2010, equation 16), about twice torch's own; sets the bias to zero."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)

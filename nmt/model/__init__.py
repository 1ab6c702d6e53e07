"""The attentional encoder-decoder. Knows neither text nor configuration files.

Shapes throughout: `B` sentences, `S` source tokens, `T` target tokens, `V` vocabulary, `E` embedding, `H` hidden,
`C` annotation (twice the encoder's hidden size), `A` attention, `R` readout, `K` hypotheses of one sentence.
"""

"""The attentional encoder-decoder; it knows neither text nor configuration files.

Letters of shapes, here and in all of nmt: `B` sentences, `S` source tokens, `T` target tokens, `V` vocabulary,
`E` embedding, `H` hidden, `C` annotation (twice the encoder's hidden size), `A` attention, `R` readout, `K` hypotheses
of a sentence.
"""

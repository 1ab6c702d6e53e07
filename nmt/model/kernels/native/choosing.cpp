// How a search chooses words by the logits of a step.
//
// Each row is computed as if it were alone, and in the extension of a beam each sentence, so that a result depends
// neither on what is beside it nor on the number of threads.

#include <algorithm>
#include <vector>

#include "vectors.h"

namespace {

// Fills the logarithm of the sum of the exponentials of each row of logits, (N, V) -> (N).
template <class P>
void log_normaliser(long N, long V, const P* logits, float* normalisers, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && N * V >= LEAST_WORK)
    for (long n = 0; n < N; ++n) {
        const P* row = logits + n * V;
        const float shift = largest_of(V, row);
        Floats total{};
        over(V, [&](long v, long count) {
            Floats value = exponential(load(row + v, count) - shift);
            for (long i = count; i < W; ++i) value[i] = 0;
            total += value;
        });
        normalisers[n] = shift + logf(sum(total));
    }
}

// Finds at most `most` of the largest logits of a row, (V), that `may(v)` allows, the largest first, of equal
// ones the first, and their places; returns how many there are. NaNs are left out. What `above(block)` excludes of
// neighbouring logits is not looked at.
template <class P, class Above, class May>
inline long largest_of_row(long V, long most, const P* row, float* best, int64_t* place, Above above, May may) {
    long found = 0;
    auto insert = [&](float value, long v) {
        long k = found < most ? found++ : most - 1;
        for (; k > 0 && best[k - 1] < value; --k) best[k] = best[k - 1], place[k] = place[k - 1];
        best[k] = value, place[k] = v;
    };
    over(V, [&](long v, long count) {
        Floats block = load(row + v, count);
        const Ints candidates = (found < most ? block == block : block > best[most - 1]) & above(block);
        if (!any(candidates)) return;
        for (long i = 0; i < count; ++i)
            if (candidates[i] && (found < most || block[i] > best[most - 1]) && may(v + i)) insert(block[i], v + i);
    });
    return found;
}

// Finds the K largest logits of each row, the largest first, of equal ones the first, and their places: (N, V) ->
// 2 x (N, K). NaNs are left out; where too few numbers are left, -infinity and place 0 stand for the missing ones.
template <class P>
void largest(long N, long V, long K, const P* logits, float* values, int64_t* places, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && N * V >= LEAST_WORK)
    for (long n = 0; n < N; ++n) {
        float* best = values + n * K;
        int64_t* place = places + n * K;
        auto all_of = [](Floats block) { return block == block; };
        long found = largest_of_row(V, K, logits + n * V, best, place, all_of, [](long) { return true; });
        for (; found < K; ++found) best[found] = -INFINITY, place[found] = 0;
    }
}

// The extensions of the hypotheses of sentences: what is given of the hypotheses, (B, K), and what is found.
struct Extensions {
    long B, K, V, width, eos, E;
    const float* offsets;     // (B, K), which with a logit make a log-probability
    const int64_t* excluded;  // (E), tokens that extend no hypothesis
    int64_t *parents, *tokens;  // (B, width)
    float* totals;            // (B, width), log-probabilities, the best first; -infinity for none
    float* endings;           // (B, K), of those that end here; -infinity for those that do not
};

// Extends the hypotheses of each sentence by a word of the logits (B, K, V): finds the best of all, of equal ones that
// of the better hypothesis, and of the same hypothesis that of the larger logit. A hypothesis ends if with the end mark
// it is among the best `width` of words and end marks, where the end marks win against equal words.
template <class P>
void best_extensions(const P* logits, const Extensions& beam, int threads) {
    const long K = beam.K, V = beam.V, width = beam.width;
#pragma omp parallel for num_threads(threads) if (threads > 1 && beam.B * K * V >= LEAST_WORK)
    for (long b = 0; b < beam.B; ++b) {
        const float* offsets = beam.offsets + b * K;
        float *totals = beam.totals + b * width, *endings = beam.endings + b * K;
        int64_t *parents = beam.parents + b * width, *tokens = beam.tokens + b * width;
        std::fill_n(totals, width, -INFINITY), std::fill_n(parents, width, 0), std::fill_n(tokens, width, beam.eos);
        std::vector<float> values(width);
        std::vector<int64_t> places(width);
        auto may = [&](long v) { return std::find(beam.excluded, beam.excluded + beam.E, v) == beam.excluded + beam.E; };
        for (long k = 0; k < K; ++k) {
            const P* row = logits + (b * K + k) * V;
            const float offset = offsets[k], least = totals[width - 1];
            auto above = [&](Floats block) { return block + offset > least; };
            const long found = largest_of_row(V, width, row, values.data(), places.data(), above, may);
            for (long n = 0; n < found; ++n) {
                const float total = values[n] + offset;
                long place = width;
                for (; place > 0 && totals[place - 1] < total; --place)
                    if (place < width) {
                        totals[place] = totals[place - 1];
                        parents[place] = parents[place - 1], tokens[place] = tokens[place - 1];
                    }
                if (place == width) break;  // nor do those after it
                totals[place] = total, parents[place] = k, tokens[place] = places[n];
            }
        }
        for (long k = 0; k < K; ++k) endings[k] = value_of(logits[(b * K + k) * V + beam.eos]) + offsets[k];
        const std::vector<float> all_endings(endings, endings + K);
        for (float* ending = endings; ending < endings + K; ++ending) {
            auto better = [&](float total) { return total > *ending; };
            const long before = std::count_if(totals, totals + width, better) +
                                std::count_if(all_endings.begin(), all_endings.end(), better);
            if (before >= width) *ending = -INFINITY;
        }
    }
}

}  // namespace

extern "C" {

#define FOR_LOGITS(P)                                                                                                 \
    void log_normaliser_##P(long N, long V, const P* logits, float* normalisers, int threads) {                       \
        log_normaliser<P>(N, V, logits, normalisers, threads);                                                        \
    }                                                                                                                 \
    void largest_##P(long N, long V, long K, const P* logits, float* values, int64_t* places, int threads) {          \
        largest<P>(N, V, K, logits, values, places, threads);                                                         \
    }                                                                                                                 \
    void best_extensions_##P(const P* logits, const Extensions* beam, int threads) {                                  \
        best_extensions<P>(logits, *beam, threads);                                                                   \
    }

FOR_LOGITS(float)
FOR_LOGITS(bfloat16)
}

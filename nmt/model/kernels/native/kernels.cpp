// The elementwise work of the loops over time, each kernel one pass over memory. `nmt.model.kernels.native` compiles
// it where there is a compiler, and calls it.
//
// Letters of shapes are those of docs/glossary.md. A "product" is a number type in which matrix products run, float or
// bfloat16; everything is computed in float. Rows are split among threads, and no sum crosses them, so that results
// do not depend on the number of threads.

#include "vectors.h"

// A tensor (D, B, ·), whose last dimension is dense: its first number, and the distance of D and of B in numbers.
struct Rows {
    void* data;
    long outer, inner;

    template <class T>
    T* at(long d, long b) const {
        return static_cast<T*>(data) + d * outer + b * inner;
    }
};

struct LstmStep {
    long D, B, H;
    Rows recurrent, input_gates, gates, previous_cell, cell, cell_tanh, hidden;
};

struct LstmStepBackward {
    long D, B, H;
    Rows carried, output_gradient, cell_gradient, gates, previous_cell, cell_tanh, gates_gradient;
};

struct AdditiveArguments {
    long T, B, K, S, A, C;      // K queries of a sentence; training has one
    Rows keys, annotations;     // (B, S, ·)
    const bool* padding;        // (B, S)
    const float* energy;        // (A)
    float* weights;             // (T, B·K, S)
    void* queries;              // (T, B·K, A), or null
    float* score_gradients;     // (T, B, S)
};

namespace {

template <class P>
void lstm_step(const LstmStep& of, int threads) {
    const long H = of.H;
#pragma omp parallel for num_threads(threads) if (threads > 1 && of.D * of.B * H >= LEAST_WORK)
    for (long row = 0; row < of.D * of.B; ++row) {
        const long d = row / of.B, b = row % of.B;
        const P *recurrent = of.recurrent.at<P>(d, b), *input_gates = of.input_gates.at<P>(d, b);
        const float* previous_cell = of.previous_cell.at<float>(d, b);
        float *gates = of.gates.at<float>(d, b), *cell = of.cell.at<float>(d, b);
        float* cell_tanh = of.cell_tanh.at<float>(d, b);
        P* hidden = of.hidden.at<P>(d, b);
        over(H, [&](long i, long n) {
            auto gate = [&](long k) { return load(recurrent + k * H + i, n) + load(input_gates + k * H + i, n); };
            Floats into = sigmoid(gate(0)), forget = sigmoid(gate(1)), out = sigmoid(gate(2));
            Floats candidate = tanh_of(gate(3));
            Floats now = forget * load(previous_cell + i, n) + into * candidate;
            Floats now_tanh = tanh_of(now);
            store(gates + i, into, n);
            store(gates + H + i, forget, n);
            store(gates + 2 * H + i, out, n);
            store(gates + 3 * H + i, candidate, n);
            store(cell + i, now, n);
            store(cell_tanh + i, now_tanh, n);
            store(hidden + i, out * now_tanh, n);
        });
    }
}

template <class P>
void lstm_step_backward(const LstmStepBackward& of, int threads) {
    const long H = of.H;
#pragma omp parallel for num_threads(threads) if (threads > 1 && of.D * of.B * H >= LEAST_WORK)
    for (long row = 0; row < of.D * of.B; ++row) {
        const long d = row / of.B, b = row % of.B;
        const P *carried = of.carried.at<P>(d, b), *output_gradient = of.output_gradient.at<P>(d, b);
        const float *gates = of.gates.at<float>(d, b), *previous_cell = of.previous_cell.at<float>(d, b);
        const float* cell_tanh = of.cell_tanh.at<float>(d, b);
        float* cell_gradient = of.cell_gradient.at<float>(d, b);
        P* gates_gradient = of.gates_gradient.at<P>(d, b);
        over(H, [&](long i, long n) {
            Floats into = load(gates + i, n), forget = load(gates + H + i, n);
            Floats out = load(gates + 2 * H + i, n), candidate = load(gates + 3 * H + i, n);
            Floats now_tanh = load(cell_tanh + i, n);
            Floats of_hidden = load(carried + i, n) + load(output_gradient + i, n);
            Floats of_now = load(cell_gradient + i, n) + of_hidden * out * (1.0f - now_tanh * now_tanh);
            store(gates_gradient + i, of_now * candidate * into * (1.0f - into), n);
            store(gates_gradient + H + i, of_now * load(previous_cell + i, n) * forget * (1.0f - forget), n);
            store(gates_gradient + 2 * H + i, of_hidden * now_tanh * out * (1.0f - out), n);
            store(gates_gradient + 3 * H + i, of_now * into * (1.0f - candidate * candidate), n);
            store(cell_gradient + i, of_now * forget, n);
        });
    }
}

// Returns tanh(query + key) as it would have been stored for the backward pass, which computes it again: to write and
// read so many numbers, (T, B, S, A), takes as long, and they were the largest part of training's memory.
template <class P>
inline Floats kept_tanh(const P* query, const P* key, long a, long n) {
    return as_stored<P>(tanh_of(load(query + a, n) + load(key + a, n)));
}

// Keeps the queries, (B·K, A), of step t, if they are asked for, and fills its weights and its contexts, (B·K, C).
template <class P>
void additive_forward(const AdditiveArguments& of, long t, const Rows& query, const Rows& context, int threads) {
    const long N = of.B * of.K, S = of.S, A = of.A, C = of.C;
#pragma omp parallel for num_threads(threads) if (threads > 1 && N * S * A >= LEAST_WORK)
    for (long row = 0; row < N; ++row) {
        const long b = row / of.K;
        const P* of_query = query.at<P>(0, row);
        const bool* padding = of.padding + b * S;
        float* weights = of.weights + (t * N + row) * S;
        if (of.queries) memcpy(static_cast<P*>(of.queries) + (t * N + row) * A, of_query, sizeof(P) * A);
        float most = -INFINITY, total = 0;
        for (long s = 0; s < S; ++s) {
            if (padding[s]) continue;
            const P* key = of.keys.at<P>(b, s);
            Floats score{};
            over(A, [&](long a, long n) {
                score += tanh_of(load(of_query + a, n) + load(key + a, n)) * load(of.energy + a, n);
            });
            weights[s] = sum(score);
            if (weights[s] > most) most = weights[s];
        }
        for (long s = 0; s < S; ++s) total += weights[s] = padding[s] ? 0 : expf(weights[s] - most);
        for (long s = 0; s < S; ++s) weights[s] /= total;
        P* filled = context.at<P>(0, row);
        over(C, [&](long c, long n) {
            Floats weighted{};
            for (long s = 0; s < S; ++s)
                if (!padding[s]) weighted += weights[s] * load(of.annotations.at<P>(b, s) + c, n);
            store(filled + c, weighted, n);
        });
    }
}

// What follows is of one query of a sentence.

// Fills the gradients of the scores of step t, and of its query, (B, A), from those of its context, (B, C), and of its
// weights, (B, S), or null. A weight of 0, such as that of padding, passes no gradient.
template <class P>
void additive_backward(const AdditiveArguments& of, long t, const Rows& context_gradient, const float* weights_gradient,
                       const Rows& query_gradient, int threads) {
    const long B = of.B, S = of.S, A = of.A, C = of.C;
#pragma omp parallel for num_threads(threads) if (threads > 1 && B * S * A >= LEAST_WORK)
    for (long b = 0; b < B; ++b) {
        const float *of_context = context_gradient.at<float>(0, b), *weights = of.weights + (t * B + b) * S;
        const P* query = static_cast<const P*>(of.queries) + (t * B + b) * A;
        float *gradient = of.score_gradients + (t * B + b) * S, mean = 0;
        for (long s = 0; s < S; ++s) {
            gradient[s] = 0;
            if (weights[s] == 0) continue;
            const P* annotation = of.annotations.at<P>(b, s);
            Floats total{};
            over(C, [&](long c, long n) { total += load(of_context + c, n) * load(annotation + c, n); });
            gradient[s] = sum(total) + (weights_gradient ? weights_gradient[b * S + s] : 0);
            mean += weights[s] * gradient[s];
        }
        for (long s = 0; s < S; ++s) gradient[s] = weights[s] == 0 ? 0 : weights[s] * (gradient[s] - mean);
        P* filled = query_gradient.at<P>(0, b);
        over(A, [&](long a, long n) {
            Floats total{};
            for (long s = 0; s < S; ++s) {
                if (weights[s] == 0) continue;
                Floats value = kept_tanh(query, of.keys.at<P>(b, s), a, n);
                total += gradient[s] * (1.0f - value * value);
            }
            store(filled + a, total * load(of.energy + a, n), n);
        });
    }
}

// Fills, after all steps, the gradients of the keys, (B, S, A), and of the energy, a part for each sentence, (B, A).
template <class P>
void additive_gradients(const AdditiveArguments& of, P* keys_gradient, float* energy_parts, int threads) {
    const long B = of.B, S = of.S, A = of.A;
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (long b = 0; b < B; ++b) {
        over(A, [&](long a, long n) {
            Floats of_energy{};
            for (long s = 0; s < S; ++s) {
                Floats of_key{};
                for (long t = 0; t < of.T; ++t) {
                    const long place = (t * B + b) * S + s;
                    if (of.weights[place] == 0) continue;
                    const P* query = static_cast<const P*>(of.queries) + (t * B + b) * A;
                    Floats value = kept_tanh(query, of.keys.at<P>(b, s), a, n);
                    of_key += of.score_gradients[place] * (1.0f - value * value);
                    of_energy += of.score_gradients[place] * value;
                }
                store(keys_gradient + (b * S + s) * A + a, of_key * load(of.energy + a, n), n);
            }
            store(energy_parts + b * A + a, of_energy, n);
        });
    }
}

// Sums rows (N, V) -> (V).
template <class P>
void sum_rows(long N, long V, const P* rows, float* sums, int threads) {
    constexpr long AT_ONCE = 8;  // vectors, so that whole lines of the cache are read
#pragma omp parallel for num_threads(threads) if (threads > 1 && N * V >= LEAST_WORK)
    for (long first = 0; first < V; first += AT_ONCE * W) {
        const long size = V - first < AT_ONCE * W ? V - first : AT_ONCE * W;
        Floats totals[AT_ONCE] = {};
        for (long row = 0; row < N; ++row)
            over(size, [&](long v, long n) { totals[v / W] += load(rows + row * V + first + v, n); });
        over(size, [&](long v, long n) { store(sums + first + v, totals[v / W], n); });
    }
}

// Turns logits (N, V) into exponentials of what they are less the row's largest; fills the sums of these, as rounded,
// the largest logits and the targets' logits, (N) each.
template <class P>
void exponentials(long N, long V, P* logits, const int64_t* targets, float* sums, float* largest, float* target_logits,
                  int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && N * V >= LEAST_WORK)
    for (long row = 0; row < N; ++row) {
        P* values = logits + row * V;
        target_logits[row] = value_of(values[targets[row]]);
        Floats total{};
        const float shift = largest_of(V, values);
        over(V, [&](long v, long n) {
            store(values + v, exponential(load(values + v, n) - shift), n);
            total += load(values + v, n);
        });
        sums[row] = sum(total);
        largest[row] = shift;
    }
}

}  // namespace

extern "C" {

#define FOR_PRODUCTS(P)                                                                                             \
    void lstm_step_##P(const LstmStep* of, int threads) { lstm_step<P>(*of, threads); }                             \
    void lstm_step_backward_##P(const LstmStepBackward* of, int threads) { lstm_step_backward<P>(*of, threads); }   \
    void additive_forward_##P(const AdditiveArguments* of, long t, const Rows* query, const Rows* context,          \
                              int threads) {                                                                        \
        additive_forward<P>(*of, t, *query, *context, threads);                                                     \
    }                                                                                                               \
    void additive_backward_##P(const AdditiveArguments* of, long t, const Rows* context_gradient,                   \
                               const float* weights_gradient, const Rows* query_gradient, int threads) {            \
        additive_backward<P>(*of, t, *context_gradient, weights_gradient, *query_gradient, threads);                \
    }                                                                                                               \
    void additive_gradients_##P(const AdditiveArguments* of, P* keys_gradient, float* energy_parts, int threads) {  \
        additive_gradients<P>(*of, keys_gradient, energy_parts, threads);                                           \
    }                                                                                                               \
    void sum_rows_##P(long N, long V, const P* rows, float* sums, int threads) {                                    \
        sum_rows<P>(N, V, rows, sums, threads);                                                                     \
    }                                                                                                               \
    void exponentials_##P(long N, long V, P* logits, const int64_t* targets, float* sums, float* largest,           \
                          float* target_logits, int threads) {                                                      \
        exponentials<P>(N, V, logits, targets, sums, largest, target_logits, threads);                              \
    }

FOR_PRODUCTS(float)
FOR_PRODUCTS(bfloat16)
}

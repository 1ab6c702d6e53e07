// What a step of a search computes up to the logits: products of rows by packed weights, and transitions.
//
// Each row is computed as if it were alone, so that a result depends neither on the rows beside it nor on the number of
// threads.

#include <vector>

#include "vectors.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace {

// How a weight is multiplied that is packed as (O / 16, I / G, 16, G): G inputs of 16 outputs at a time.
template <class P>
struct Packed;

template <>
struct Packed<float> {
    static constexpr long G = 1;
    using Row = float;
    using Sum = Floats;

    static Sum add(Sum sum, const Row* row, const float* weight) { return sum + *row * load(weight); }
};

template <>
struct Packed<bfloat16> {
    static constexpr long G = 2;
    using Row = bfloat16;
    using Sum = Floats;

    static Sum add(Sum sum, const Row* row, const bfloat16* weight) {
        Bits pairs;
        memcpy(&pairs, weight, sizeof pairs);
#if defined(__AVX512BF16__)
        int32_t pair;
        memcpy(&pair, row, sizeof pair);
        return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(pair), (__m512bh)pairs);
#else
        sum += value_of(row[0]) * bits_of<Floats>(pairs << 16);
        return sum + value_of(row[1]) * bits_of<Floats>(pairs & 0xffff0000);
#endif
    }
};

template <>
struct Packed<int8_t> {
    static constexpr long G = 4;
    using Row = uint8_t;
    using Sum = Ints;

    static Sum add(Sum sum, const Row* row, const int8_t* weight) {
        Ints quads;
        memcpy(&quads, weight, sizeof quads);
#if defined(__AVX512VNNI__)
        int32_t quad;
        memcpy(&quad, row, sizeof quad);
        return (Ints)_mm512_dpbusd_epi32((__m512i)sum, _mm512_set1_epi32(quad), (__m512i)quads);
#else
        for (long g = 0; g < G; ++g) sum += int32_t(row[g]) * ((quads << (24 - 8 * g)) >> 24);
        return sum;
#endif
    }
};

#if defined(__AVX512F__)
constexpr long MOST_ROWS = 8, ACROSS = 3;  // rows, and vectors of outputs, whose sums fit into the registers
#else
constexpr long MOST_ROWS = 4, ACROSS = 1;
#endif

// Sums of products of `ROWS` rows, which are `I` numbers apart, by `ACROSS` neighbouring vectors of outputs.
template <class P, long ROWS, class Write>
inline void multiply_some(long I, const P* weight, const typename Packed<P>::Row* rows, Write write) {
    typename Packed<P>::Sum sums[ROWS][ACROSS] = {};
    for (long i = 0; i < I; i += Packed<P>::G)
        for (long a = 0; a < ACROSS; ++a)
            for (long r = 0; r < ROWS; ++r)
                sums[r][a] = Packed<P>::add(sums[r][a], rows + r * I + i, weight + (a * I + i) * W);
    for (long r = 0; r < ROWS; ++r)
        for (long a = 0; a < ACROSS; ++a) write(r, a, sums[r][a]);
}

template <class P, long ROWS = MOST_ROWS, class Write>
inline void multiply(long N, long I, const P* weight, const typename Packed<P>::Row* rows, Write write) {
    long n = 0;
    for (; n + ROWS <= N; n += ROWS)
        multiply_some<P, ROWS>(I, weight, rows + n * I, [&](long r, long a, auto sum) { write(n + r, a, sum); });
    constexpr long FEWER = ROWS > 5 ? 5 : ROWS - 1;  // a beam has 5
    if constexpr (FEWER > 0)
        if (n < N)
            multiply<P, FEWER>(N - n, I, weight, rows + n * I,
                               [&](long r, long a, auto sum) { write(n + r, a, sum); });
}

// Calls `body(o)` for each ACROSS vectors of outputs that begin at o.
template <class Body>
inline void over_outputs(long N, long I, long O, int threads, Body body) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && N * I * O >= 16 * LEAST_WORK)
    for (long o = 0; o < O; o += ACROSS * W) body(o);
}

// Multiplies rows, (N, I), by a packed weight -> (N, O), and adds a bias, (O), or null.
template <class P>
void product(long N, long I, long O, const P* weight, const P* rows, const float* bias, P* outputs, int threads) {
    over_outputs(N, I, O, threads, [&](long o) {
        multiply<P>(N, I, weight + o * I, rows, [&](long n, long a, Floats sum) {
            at_most_a_vector(o + a * W, O, [&](long first, long count) {
                store(outputs + n * O + first, bias ? sum + load(bias + first, count) : sum, count);
            });
        });
    });
}

// Rounds rows, (N, I), to whole numbers from 1 to 255, in which 128 stands for 0; fills a scale of each, (N).
void quantise(long N, long I, const float* rows, uint8_t* whole, float* scales, int threads) {
    typedef uint8_t Bytes __attribute__((vector_size(W)));
#pragma omp parallel for num_threads(threads) if (threads > 1 && N * I >= LEAST_WORK)
    for (long n = 0; n < N; ++n) {
        Floats most = all(1e-30f), zeros{};
        over(I, [&](long i, long count) {
            Floats value = load(rows + n * I + i, count);
            value = chosen(value < 0, -value, value);
            most = chosen(value > most, value, most);
            zeros += value * 0;
        });
        const float largest = largest_of(W, reinterpret_cast<const float*>(&most));
        const float factor = 127 / largest;
        over(I, [&](long i, long count) {
            Ints numbers = __builtin_convertvector(load(rows + n * I + i, count) * factor + 128.5f, Ints);
            Bytes bytes = __builtin_convertvector(numbers, Bytes);
            memcpy(whole + n * I + i, &bytes, count);
        });
        scales[n] = largest / 127 + sum(zeros);  // NaN if one of the row is infinite or none
    }
}

// Multiplies rows, (N, I), in int8; a packed weight has a scale for each output, and `corrections`, 128 times the sum
// of its numbers.
void product_in_int8(long N, long I, long O, const int8_t* weight, const float* scales, const int32_t* corrections,
                     const float* rows, const float* bias, float* outputs, int threads) {
    // The rounded rows; each thread of the caller has room of its own, which it keeps for the next product.
    static thread_local std::vector<uint8_t> room;
    static thread_local std::vector<float> room_of_scales;
    if (long(room.size()) < N * I) room.resize(N * I);
    if (long(room_of_scales.size()) < N) room_of_scales.resize(N);
    uint8_t* whole = room.data();
    float* row_scales = room_of_scales.data();
    quantise(N, I, rows, whole, row_scales, threads);
    over_outputs(N, I, O, threads, [&](long o) {
        multiply<int8_t>(N, I, weight + o * I, whole, [&](long n, long a, Ints sum) {
            at_most_a_vector(o + a * W, O, [&](long first, long count) {
                Ints correction{};
                memcpy(&correction, corrections + first, sizeof(int32_t) * count);
                Floats output = __builtin_convertvector(sum - correction, Floats) * load(scales + first, count);
                output *= row_scales[n];
                store(outputs + n * O + first, bias ? output + load(bias + first, count) : output, count);
            });
        });
    });
}

// Runs a transition of which nothing is kept for a gradient: fills hidden and cell, (N, H), from the gates before
// activation, `recurrent`, (N, 4H), plus `added`, whose rows are `distance` numbers apart: 0 for a bias.
template <class P, class Q>
void lstm_cell(long N, long H, const P* recurrent, const Q* added, long distance, const float* previous_cell, P* hidden,
               float* cell, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && N * H >= LEAST_WORK)
    for (long row = 0; row < N; ++row) {
        const P* of_row = recurrent + row * 4 * H;
        const Q* added_to_row = added + row * distance;
        over(H, [&](long i, long n) {
            auto gate = [&](long k) { return load(of_row + k * H + i, n) + load(added_to_row + k * H + i, n); };
            Floats before = load(previous_cell + row * H + i, n);
            Floats now = sigmoid(gate(1)) * before + sigmoid(gate(0)) * tanh_of(gate(3));
            store(cell + row * H + i, now, n);
            store(hidden + row * H + i, sigmoid(gate(2)) * tanh_of(now), n);
        });
    }
}

}  // namespace

extern "C" {

#define PRODUCT(P)                                                                                                    \
    void product_##P(long N, long I, long O, const P* weight, const P* rows, const float* bias, P* outputs,           \
                     int threads) {                                                                                   \
        product<P>(N, I, O, weight, rows, bias, outputs, threads);                                                    \
    }

PRODUCT(float)
PRODUCT(bfloat16)

// True if the processor has instructions for products in int8, without which others do them as fast.
int multiplies_int8() {
#if defined(__AVX512VNNI__)
    return 1;
#else
    return 0;
#endif
}

void product_int8(long N, long I, long O, const int8_t* weight, const float* scales, const int32_t* corrections,
                  const float* rows, const float* bias, float* outputs, int threads) {
    product_in_int8(N, I, O, weight, scales, corrections, rows, bias, outputs, threads);
}

#define LSTM_CELL(P, Q)                                                                                               \
    void lstm_cell_##P##_##Q(long N, long H, const P* recurrent, const Q* added, long distance,                       \
                             const float* previous_cell, P* hidden, float* cell, int threads) {                       \
        lstm_cell<P, Q>(N, H, recurrent, added, distance, previous_cell, hidden, cell, threads);                      \
    }

LSTM_CELL(float, float)
LSTM_CELL(bfloat16, bfloat16)
LSTM_CELL(bfloat16, float)  // a bias stays in float
}

// Vectors of 16 numbers, and the functions of them that the kernels share. "P" is the number type of matrix products,
// float or bfloat16; everything is computed in float.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

constexpr long W = 16;  // numbers of a vector

typedef float Floats __attribute__((vector_size(4 * W)));
typedef int32_t Ints __attribute__((vector_size(4 * W)));
typedef uint32_t Bits __attribute__((vector_size(4 * W)));
typedef uint16_t Halves __attribute__((vector_size(2 * W)));

struct bfloat16 {
    uint16_t bits;
};

template <class T>
inline T bits_of(const auto& value) {
    T bits;
    static_assert(sizeof bits == sizeof value);
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline Floats all(float value) { return Floats{} + value; }

inline Floats chosen(Ints where, Floats yes, Floats no) { return where ? yes : no; }

// Loads `count` numbers, at most W; the rest are 0.
inline Floats load(const float* from, long count = W) {
    Floats values{};
    memcpy(&values, from, sizeof(float) * count);
    return values;
}

inline Floats load(const bfloat16* from, long count = W) {
    Halves halves{};
    memcpy(&halves, from, sizeof(bfloat16) * count);
    return bits_of<Floats>(__builtin_convertvector(halves, Bits) << 16);
}

inline void store(float* to, Floats values, long count = W) { memcpy(to, &values, sizeof(float) * count); }

// Rounds to the nearest, to even where there are two; a NaN stays one.
inline void store(bfloat16* to, Floats values, long count = W) {
    Bits bits = bits_of<Bits>(values);
    Bits rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    Bits nan = Bits{} + 0x7fc0;
    Halves halves = __builtin_convertvector(values == values ? rounded : nan, Halves);
    memcpy(to, &halves, sizeof(bfloat16) * count);
}

inline bool any(Ints where) {
    int32_t found = 0;
    for (long i = 0; i < W; ++i) found |= where[i];
    return found;
}

inline float value_of(float value) { return value; }
inline float value_of(bfloat16 value) {
    uint32_t bits = uint32_t(value.bits) << 16;
    return bits_of<float>(bits);
}

inline float sum(Floats values) {
    float total = 0;
    for (long i = 0; i < W; ++i) total += values[i];
    return total;
}

// e^x to about 2e-7 of it, of x held between -87 and 87. A NaN stays one.
inline Floats exponential(Floats x) {
    x = chosen(x > 87.0f, all(87.0f), x);
    x = chosen(x < -87.0f, all(-87.0f), x);
    // x = n ln 2 + r, with ln 2 in two parts, of which the first times n is exact
    const float shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number, which its last bits are
    Floats shifted = x * 1.44269504f + shift;
    Floats n = shifted - shift;
    Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    // the polynomial that is closest to e^r, of |r| <= ln 2 / 2, among those of degree 6
    Floats p = all(1.381459762e-3f);
    p = p * r + 8.368716575e-3f;
    p = p * r + 4.166838899e-2f;
    p = p * r + 1.666652113e-1f;
    p = p * r + 4.999999404e-1f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return chosen(x == x, bits_of<Floats>(bits_of<Ints>(p) + (bits_of<Ints>(shifted) << 23)), x);
}

inline Floats reciprocal(Floats x) { return 1.0f / x; }

inline Floats sigmoid(Floats x) { return reciprocal(1.0f + exponential(-x)); }

inline Floats tanh_of(Floats x) { return 1.0f - 2.0f * reciprocal(1.0f + exponential(2.0f * x)); }

// Calls `body(i, count)` for vectors that begin at i and have `count` numbers. A count that is known to be W saves a call
// to copy them.
template <class Body>
inline void over(long size, Body body) {
    long i = 0;
    for (; i + W <= size; i += W) body(i, W);
    if (i < size) body(i, size - i);
}

// The same for the vector that begins at i, if it is not behind the last number.
template <class Body>
inline void at_most_a_vector(long i, long size, Body body) {
    if (i + W <= size)
        body(i, W);
    else if (i < size)
        body(i, size - i);
}

// Returns the largest of numbers; NaNs are left out.
template <class P>
inline float largest_of(long size, const P* values) {
    Floats most = all(-INFINITY);
    over(size, [&](long i, long count) {
        Floats value = load(values + i, count);
        for (long rest = count; rest < W; ++rest) value[rest] = -INFINITY;
        most = chosen(value > most, value, most);
    });
    float largest = most[0];
    for (long i = 1; i < W; ++i) largest = most[i] > largest ? most[i] : largest;
    return largest;
}

// Work that is worth a second thread, in numbers read.
constexpr long LEAST_WORK = 1 << 14;

}  // namespace

// Private to this folder: both forms, written once for every F32x16 V and for `Width` vectors of
// columns at a time. Columns of the state are independent of each other, so Width changes no bit.
//
// Keys and queries are read as they lie in memory: their lengths are divided out of scalars,
//   r_t = S^T k_t,  u_t = write_t (v_t - key_t r_t),  S += k_t u_t^T,  o_t = query_t (S^T q_t),
// where key_t = 1 (raw_key) or 1 / sqrt(l + eps) (unit_key), and write_t = a_t key_t.
#pragma once
#include <utility>

#include "nibble/numerics/reduce.h"
#include "nibble/ops/efla/layout.h"

namespace nibble::efla {
namespace {

struct Row {
  const float *q, *k, *v;
  float* out;
};

Row row_of(const Args& a, int64_t s, int h, int t) {
  const auto at = [&](const Strides& x) { return s * x.sequence + t * x.token + h * x.head; };
  return {a.q + at(a.q_strides), a.k + at(a.k_strides), a.v + at(a.v_strides),
          a.out + at(a.out_strides)};
}

Row next_token(const Args& a, Row x) {
  return {x.q + a.q_strides.token, x.k + a.k_strides.token, x.v + a.v_strides.token,
          x.out + a.out_strides.token};
}

// Scalars of `count` tokens from `first` on.
template <class V>
void scalars(const Args& a, int64_t s, int h, int first, int count, float* key, float* write,
             float* query) {
  Row x = row_of(a, s, h, first);
  for (int i = 0; i < count; ++i) {
    key[i] = reduce::sum_squares<V>(x.k, a.key_dim);
    query[i] = reduce::sum_squares<V>(x.q, a.key_dim);
    write[i] = a.beta[s * a.beta_strides.sequence + (first + i) * a.beta_strides.token +
                      h * a.beta_strides.head];
    if (i + 1 < count) x = next_token(a, x);
  }
  const V eps(a.eps), one(1.0f), zero(0.0f);
  for (int i = 0; i < count; i += 16) {
    const int n = count - i < 16 ? count - i : 16;
    const V lambda = max(V::load(key + i, n), eps);
    const V gate = math::sigmoid(V::load(write + i, n) + V(a.beta_bias));
    if (a.rule == Rule::raw_key) {
      one.store(key + i, n);
      ((zero - math::expm1(zero - gate * lambda)) / (lambda + eps)).store(write + i, n);
    } else {
      const V scale = one / sqrt(lambda + eps);
      scale.store(key + i, n);
      (gate * scale).store(write + i, n);
    }
    (one / sqrt(V::load(query + i, n) + eps)).store(query + i, n);
  }
}

// Up to 16 Width neighbouring columns; the last vector may be part full.
template <class V, int Width>
struct Columns {
  int first, count;
  V load(const float* p, int w) const {
    const int n = count - 16 * w;
    return n >= 16 ? V::load(p + first + 16 * w) : V::load(p + first + 16 * w, n);
  }
  void store(V x, float* p, int w) const {
    const int n = count - 16 * w;
    n >= 16 ? x.store(p + first + 16 * w) : x.store(p + first + 16 * w, n);
  }
};

// r = S^T k and, if q is not null, o = S^T q. Even and odd rows of S are summed apart, then
// together; with an fp16 state (kRound) all rows in order, as the loss values that fix the
// compatibility mode were summed.
template <class V, int Width, bool kRound>
inline void read_state(const float* S, int key_dim, const float* k, const float* q, V* r, V* o) {
  constexpr int kOdd = kRound ? 0 : 1;
  V sums[2][2][Width];
  for (int c = 0; c < 2; ++c)
    for (int w = 0; w < Width; ++w) sums[c][0][w] = sums[c][1][w] = V(0.0f);
  const auto one = [&](int d, int c) {
    for (int w = 0; w < Width; ++w) {
      const V x = V::load(S + (d * Width + w) * 16);
      sums[c][0][w] = fma(V(k[d]), x, sums[c][0][w]);
      if (q) sums[c][1][w] = fma(V(q[d]), x, sums[c][1][w]);
    }
  };
  int d = 0;
  for (; d + 2 <= key_dim; d += 2) one(d, 0), one(d + 1, kOdd);
  if (d < key_dim) one(d, 0);
  for (int w = 0; w < Width; ++w) {
    r[w] = sums[0][0][w] + sums[1][0][w];
    if (q) o[w] = sums[0][1][w] + sums[1][1][w];
  }
}

template <class V, int Width>
void load_state(const Args& a, int64_t unit, Columns<V, Width> columns, float* S) {
  for (int d = 0; d < a.key_dim; ++d)
    for (int w = 0; w < Width; ++w) {
      V x(0.0f);
      if (a.carry_in && columns.count > 16 * w)
        x = columns.load(a.state_in + (unit * a.key_dim + d) * a.value_dim, w);
      x.store(S + (d * Width + w) * 16);
    }
}

template <class V, int Width>
void store_state(const Args& a, int64_t unit, Columns<V, Width> columns, const float* S) {
  for (int d = 0; d < a.key_dim; ++d)
    for (int w = 0; w < Width && columns.count > 16 * w; ++w)
      columns.store(V::load(S + (d * Width + w) * 16),
                    a.state_out + (unit * a.key_dim + d) * a.value_dim, w);
}

// The state of one block of columns. In memory for any key_dim:
template <class V, int Width, bool kRound, int kDim>
struct State {
  alignas(64) float S[kMaxKeyDim * 16 * Width];
  int key_dim;

  void load(const Args& a, int64_t unit, Columns<V, Width> columns) {
    key_dim = a.key_dim;
    load_state(a, unit, columns, S);
  }
  void store(const Args& a, int64_t unit, Columns<V, Width> columns) const {
    store_state(a, unit, columns, S);
  }
  void read(const float* k, V* r) const {
    read_state<V, Width, kRound>(S, key_dim, k, nullptr, r, nullptr);
  }

  // Writes k u^T, then forms o = S^T q and, for the token after, r = S^T next. Summed in
  // the order of read_state().
  void step(const float* k, const V* u, const float* q, const float* next, V* o, V* r) {
    constexpr int kOdd = kRound ? 0 : 1;
    V os[2][Width], rs[2][Width];
    for (int c = 0; c < 2; ++c)
      for (int w = 0; w < Width; ++w) os[c][w] = rs[c][w] = V(0.0f);
    const auto one = [&](int d, int c) {
      for (int w = 0; w < Width; ++w) {
        float* cell = S + (d * Width + w) * 16;
        V x = fma(V(k[d]), u[w], V::load(cell));
        if constexpr (kRound) x = round_fp16(x);
        x.store(cell);
        os[c][w] = fma(V(q[d]), x, os[c][w]);
        rs[c][w] = fma(V(next[d]), x, rs[c][w]);
      }
    };
    int d = 0;
    for (; d + 2 <= key_dim; d += 2) one(d, 0), one(d + 1, kOdd);
    if (d < key_dim) one(d, 0);
    for (int w = 0; w < Width; ++w) o[w] = os[0][w] + os[1][w], r[w] = rs[0][w] + rs[1][w];
  }
};

// fn(0), fn(1), ... fn(N - 1) with constants, written out.
template <class Fn, int... I>
__attribute__((always_inline)) inline void written_out(Fn fn, std::integer_sequence<int, I...>) {
  (fn(std::integral_constant<int, I>()), ...);
}

// For 16 rows in registers, as far as they go. The same sums in the same order.
template <class V, int Width>
struct State<V, Width, false, 16> {
  V S[16][Width];

  void load(const Args& a, int64_t unit, Columns<V, Width> columns) {
    alignas(64) float memory[16 * 16 * Width];
    load_state(a, unit, columns, memory);
    written_out(
        [&](auto d) __attribute__((always_inline)) {
          for (int w = 0; w < Width; ++w) S[d][w] = V::load(memory + (d * Width + w) * 16);
        },
        std::make_integer_sequence<int, 16>());
  }
  void store(const Args& a, int64_t unit, Columns<V, Width> columns) const {
    alignas(64) float memory[16 * 16 * Width];
    written_out(
        [&](auto d) __attribute__((always_inline)) {
          for (int w = 0; w < Width; ++w) S[d][w].store(memory + (d * Width + w) * 16);
        },
        std::make_integer_sequence<int, 16>());
    store_state(a, unit, columns, memory);
  }
  __attribute__((always_inline)) void read(const float* k, V* r) const {
    V rs[2][Width];
    written_out(
        [&](auto d) __attribute__((always_inline)) {
          for (int w = 0; w < Width; ++w) {
            const V sum = d < 2 ? V(0.0f) : rs[d % 2][w];
            rs[d % 2][w] = fma(V(k[d]), S[d][w], sum);
          }
        },
        std::make_integer_sequence<int, 16>());
    for (int w = 0; w < Width; ++w) r[w] = rs[0][w] + rs[1][w];
  }
  // r first, which the next token waits for; the sums of o fill that wait.
  __attribute__((always_inline)) void step(const float* k, const V* u, const float* q,
                                           const float* next, V* o, V* r) {
    V os[2][Width], rs[2][Width];
    written_out(
        [&](auto d) __attribute__((always_inline)) {
          for (int w = 0; w < Width; ++w) {
            S[d][w] = fma(V(k[d]), u[w], S[d][w]);
            rs[d % 2][w] = fma(V(next[d]), S[d][w], d < 2 ? V(0.0f) : rs[d % 2][w]);
          }
        },
        std::make_integer_sequence<int, 16>());
    for (int w = 0; w < Width; ++w) r[w] = rs[0][w] + rs[1][w];
    written_out(
        [&](auto d) __attribute__((always_inline)) {
          for (int w = 0; w < Width; ++w)
            os[d % 2][w] = fma(V(q[d]), S[d][w], d < 2 ? V(0.0f) : os[d % 2][w]);
        },
        std::make_integer_sequence<int, 16>());
    for (int w = 0; w < Width; ++w) o[w] = os[0][w] + os[1][w];
  }
};

// The scalars of a run of tokens, kept while the blocks of columns of one (sequence, head) pass.
struct Scalars {
  static constexpr int kTokens = 128;
  alignas(64) float key[kTokens], write[kTokens], query[kTokens];
  int64_t unit = -1;
  int first = -1;

  template <class V>
  void require(const Args& a, int64_t now, int t) {
    if (unit == now && first == t) return;
    unit = now, first = t;
    scalars<V>(a, now / a.heads, int(now % a.heads), t,
               a.tokens - t < kTokens ? a.tokens - t : kTokens, key, write, query);
  }
};

// A product-sized row is a few cache lines in a wide matrix: a stride that hardware prefetchers do
// not follow. From the second-level cache a row comes in time by itself, and the loads that ask for
// it are then missed: 11.4 against 13.0 ns for a token of a head of 16 x 16.
bool prefetches(const Args& a) {
  return a.key_dim <= 64 && a.value_dim <= 64 &&
         a.sequences * a.q_strides.sequence * int64_t(sizeof(float)) > 256 << 10;
}
// Inlined by force: called, it would count as a function without effect.
__attribute__((always_inline)) inline void prefetch_row(const Args& a, const Row& x) {
  for (int d = 0; d < a.key_dim; d += 16) {
    __builtin_prefetch(x.q + d);
    __builtin_prefetch(x.k + d);
  }
  for (int d = 0; d < a.value_dim; d += 16) {
    __builtin_prefetch(x.v + d);
    __builtin_prefetch(x.out + d, 1);
  }
  __builtin_prefetch(x.q + a.key_dim - 1);  // rows need not start at a cache line
  __builtin_prefetch(x.k + a.key_dim - 1);
  __builtin_prefetch(x.v + a.value_dim - 1);
}

// One (sequence, head) and one block of columns on its way through the tokens. The state is read
// and written once a token: the pass that writes token t reads for token t + 1 too.
template <class V, int Width, bool kRound, int kDim>
struct Track {
  State<V, Width, kRound, kDim> S;
  Columns<V, Width> columns;
  Row x, later;  // of the next token; of the same one in a unit to come
  V r[Width];

  __attribute__((always_inline)) void begin(const Args& a, int64_t unit, Columns<V, Width> own,
                                            int64_t prefetched) {
    columns = own;
    S.load(a, unit, columns);
    x = row_of(a, unit / a.heads, int(unit % a.heads), 0);
    later = row_of(a, prefetched / a.heads, int(prefetched % a.heads), 0);
    for (int w = 0; w < Width; ++w) r[w] = V(0.0f);
    if (a.carry_in) S.read(x.k, r);
  }
  __attribute__((always_inline)) void prefetch(const Args& a) {
    prefetch_row(a, later);
    later = next_token(a, later);
  }
  __attribute__((always_inline)) void token(const Args& a, int t, const Scalars& scalars) {
    const int i = t % Scalars::kTokens;
    V o[Width], u[Width];
    for (int w = 0; w < Width; ++w) {
      const V v = columns.count > 16 * w ? columns.load(x.v, w) : V(0.0f);
      u[w] = V(scalars.write[i]) * fma(V(-scalars.key[i]), r[w], v);
    }
    const Row now = x;
    if (t + 1 < a.tokens) x = next_token(a, x);
    S.step(now.k, u, now.q, x.k, o, r);  // the last r is not used
    for (int w = 0; w < Width && columns.count > 16 * w; ++w)
      columns.store(o[w] * V(scalars.query[i]), now.out, w);
  }
};

template <class V, int Width, bool kRound, int kDim>
void recurrent_block(const Args& a, int64_t unit, Columns<V, Width> columns, Scalars& scalars,
                     bool prefetch) {
  Track<V, Width, kRound, kDim> track;
  track.begin(a, unit, columns, unit + prefetch);
  for (int t = 0; t < a.tokens; ++t) {
    if (t % Scalars::kTokens == 0) scalars.template require<V>(a, unit, t);
    if (prefetch) track.prefetch(a);
    track.token(a, t, scalars);
  }
  if (a.carry_out) track.S.store(a, unit, columns);
}

// Two (sequence, head)s of 16 rows and up to 16 columns, step by step: a token of one alone takes
// the latency of its chain of sums, 48 cycles, in which the fma units could do both.
template <class V>
void recurrent_pair(const Args& a, int64_t unit, Columns<V, 1> columns, Scalars* scalars,
                    bool prefetch) {
  Track<V, 1, false, 16> one, two;
  one.begin(a, unit, columns, unit + 2 * prefetch);
  two.begin(a, unit + 1, columns, unit + 1 + 2 * prefetch);
  for (int t = 0; t < a.tokens; ++t) {
    if (t % Scalars::kTokens == 0)
      for (int i = 0; i < 2; ++i) scalars[i].template require<V>(a, unit + i, t);
    if (prefetch) one.prefetch(a), two.prefetch(a);
    one.token(a, t, scalars[0]);
    two.token(a, t, scalars[1]);
  }
  if (a.carry_out) one.S.store(a, unit, columns), two.S.store(a, unit + 1, columns);
}

// About 50 microseconds a task: less would be spent on handing out tasks.
int64_t grain_of(const Args& a, int columns) {
  return 1 + (int64_t(1) << 19) / (int64_t(a.tokens) * a.key_dim * columns);
}

template <class V, int Width, bool kRound, int kDim>
void recurrent_all(const Args& a, const Exec& e) {
  const int64_t blocks = blocks_of(a, Width), units = a.sequences * a.heads;
  const bool far = prefetches(a);
  parallel_for(e.pool, units * blocks, grain_of(a, 16 * Width), [&](int64_t begin, int64_t end) {
    Scalars scalars;
    for (int64_t i = begin; i < end; ++i) {
      const int first = int(i % blocks) * 16 * Width;
      const int left = a.value_dim - first;
      const Columns<V, Width> columns{first, left < 16 * Width ? left : 16 * Width};
      const bool prefetch = far && first == 0 && i / blocks + 1 < units;
      recurrent_block<V, Width, kRound, kDim>(a, i / blocks, columns, scalars, prefetch);
    }
  });
}

template <class V>
void recurrent_pairs(const Args& a, const Exec& e) {
  const int64_t units = a.sequences * a.heads, pairs = (units + 1) / 2;
  const Columns<V, 1> columns{0, a.value_dim};
  const bool far = prefetches(a);
  parallel_for(e.pool, pairs, grain_of(a, 32), [&](int64_t begin, int64_t end) {
    Scalars scalars[2];
    for (int64_t unit = 2 * begin; unit < 2 * end; unit += 2)
      if (unit + 1 < units)
        recurrent_pair<V>(a, unit, columns, scalars, far && unit + 3 < units);
      else
        recurrent_block<V, 1, false, 16>(a, unit, columns, scalars[0], false);
  });
}

// State in memory: 16 columns at a time, so that 512 rows are 32 KiB; more where one chain of sums
// a column would leave fma waiting. Pairs: the fma units do two heads of 16 columns in the latency
// of one.
template <class V, int Width, bool Pairs>
void recurrent(const Args& a, const Exec& e) {
  if constexpr (Pairs)
    if (!a.fp16_state && a.key_dim == 16 && a.value_dim <= 16) return recurrent_pairs<V>(a, e);
  if (a.fp16_state)
    recurrent_all<V, Width, true, 0>(a, e);
  else if (a.key_dim == 16 && a.value_dim <= 16)
    recurrent_all<V, 1, false, 16>(a, e);
  else if (a.key_dim == 16)
    recurrent_all<V, Width, false, 16>(a, e);
  else
    recurrent_all<V, 1, false, 0>(a, e);
}

// Rows i of G = K K^T (j < i) and P = Q K^T (j <= i), Tile columns at a time. Every entry is summed
// as reduce::dot sums it.
template <class V, int Tile>
void gram_tile(const Args& a, int64_t s, int h, int first, int i, int j, int C, float* G,
               float* P) {
  const Row x = row_of(a, s, h, first + i);
  const float* other[Tile];
  V g[Tile], p[Tile];
  for (int n = 0; n < Tile; ++n) {
    other[n] = row_of(a, s, h, first + j + n).k;
    g[n] = p[n] = V(0.0f);
  }
  const auto add = [&](int d, auto load) {
    const V k = load(x.k + d), q = load(x.q + d);
    for (int n = 0; n < Tile; ++n) {
      const V y = load(other[n] + d);
      g[n] = fma(k, y, g[n]);
      p[n] = fma(q, y, p[n]);
    }
  };
  int d = 0;
  for (; d + 16 <= a.key_dim; d += 16) add(d, [](const float* y) { return V::load(y); });
  if (const int rest = a.key_dim - d; rest > 0)
    add(d, [rest](const float* y) { return V::load(y, rest); });
  for (int n = 0; n < Tile; ++n) {
    G[i * C + j + n] = sum(g[n]);
    P[i * C + j + n] = sum(p[n]);
  }
}

template <class V, int Tile>
void gram(const Args& a, int64_t s, int h, int first, int count, int C, float* G, float* P) {
  for (int i = 0; i < count; ++i) {
    int j = 0;
    for (; j + Tile <= i + 1; j += Tile) gram_tile<V, Tile>(a, s, h, first, i, j, C, G, P);
    for (; j <= i; ++j) gram_tile<V, 1>(a, s, h, first, i, j, C, G, P);
  }
}

// Rows of U and of the output by forward substitution, for one block of columns. Even and odd
// tokens are summed apart, then together, then the part of the state before the chunk is added.
template <class V, int Width>
void solve(const Args& a, int64_t s, int h, int first, int count, const ChunkSpace& space, int C,
           const float* S, Columns<V, Width> columns) {
  for (int i = 0; i < count; ++i) {
    const Row x = row_of(a, s, h, first + i);
    const float *g = space.G + i * C, *p = space.P + i * C;
    V r[2][Width], o[2][Width];
    for (int c = 0; c < 2; ++c)
      for (int w = 0; w < Width; ++w) r[c][w] = o[c][w] = V(0.0f);
    const auto one = [&](int j, int c) {
      for (int w = 0; w < Width; ++w) {
        const V u = V::load(space.U + (j * Width + w) * 16);
        r[c][w] = fma(V(g[j]), u, r[c][w]);
        o[c][w] = fma(V(p[j]), u, o[c][w]);
      }
    };
    int j = 0;
    for (; j + 2 <= i; j += 2) one(j, 0), one(j + 1, 1);
    if (j < i) one(j, 0);
    V before[Width], seen[Width];
    if (S) read_state<V, Width, false>(S, a.key_dim, x.k, x.q, before, seen);
    for (int w = 0; w < Width; ++w) {
      V read = r[0][w] + r[1][w], out = o[0][w] + o[1][w];
      if (S) read = read + before[w], out = out + seen[w];
      const V v = columns.count > 16 * w ? columns.load(x.v, w) : V(0.0f);
      const V u = V(space.write[i]) * fma(V(-space.key[i]), read, v);
      u.store(space.U + (i * Width + w) * 16);
      if (columns.count > 16 * w) columns.store(fma(V(p[i]), u, out) * V(space.query[i]), x.out, w);
    }
  }
}

// S += K^T U, four rows of S at a time: U is read once for them.
template <class V, int Width, int Rows>
void write_rows(const Args& a, int64_t s, int h, int first, int count, const float* U, int d,
                float* S) {
  V x[Rows][Width];
  for (int n = 0; n < Rows; ++n)
    for (int w = 0; w < Width; ++w) x[n][w] = V::load(S + ((d + n) * Width + w) * 16);
  for (int i = 0; i < count; ++i) {
    const float* k = row_of(a, s, h, first + i).k + d;
    for (int w = 0; w < Width; ++w) {
      const V u = V::load(U + (i * Width + w) * 16);
      for (int n = 0; n < Rows; ++n) x[n][w] = fma(V(k[n]), u, x[n][w]);
    }
  }
  for (int n = 0; n < Rows; ++n)
    for (int w = 0; w < Width; ++w) x[n][w].store(S + ((d + n) * Width + w) * 16);
}

template <class V, int Width, int Tile>
void chunked_unit(const Args& a, int64_t unit, const ChunkSpace& space) {
  const int64_t s = unit / a.heads;
  const int h = int(unit % a.heads), C = chunk_of(a), blocks = int(blocks_of(a, Width));
  const auto columns = [&](int b) {
    const int left = a.value_dim - b * 16 * Width;
    return Columns<V, Width>{b * 16 * Width, left < 16 * Width ? left : 16 * Width};
  };
  const auto state = [&](int b) { return space.S + int64_t(b) * a.key_dim * 16 * Width; };
  if (space.S)
    for (int b = 0; b < blocks; ++b) load_state(a, unit, columns(b), state(b));
  for (int first = 0; first < a.tokens; first += C) {
    const int count = a.tokens - first < C ? a.tokens - first : C;
    scalars<V>(a, s, h, first, count, space.key, space.write, space.query);
    gram<V, Tile>(a, s, h, first, count, C, space.G, space.P);
    const bool holds = a.carry_in || first > 0;               // the state is not zero
    const bool wanted = a.carry_out || first + C < a.tokens;  // somebody reads it later
    for (int b = 0; b < blocks; ++b) {
      solve<V, Width>(a, s, h, first, count, space, C, holds ? state(b) : nullptr, columns(b));
      if (!wanted) continue;
      int d = 0;
      for (; d + 4 <= a.key_dim; d += 4)
        write_rows<V, Width, 4>(a, s, h, first, count, space.U, d, state(b));
      for (; d < a.key_dim; ++d)
        write_rows<V, Width, 1>(a, s, h, first, count, space.U, d, state(b));
    }
  }
  if (a.carry_out)
    for (int b = 0; b < blocks; ++b) store_state(a, unit, columns(b), state(b));
}

template <class V, int Width, int Tile>
void chunked_all(const Args& a, const Exec& e) {
  const int64_t units = a.sequences * a.heads, slots = slots_of(a);
  parallel_tasks(e.pool, slots, [&](int64_t slot, int) {
    const ChunkSpace space = chunk_space(a, slot);
    for (int64_t unit = slot; unit < units; unit += slots)
      chunked_unit<V, Width, Tile>(a, unit, space);
  });
}

template <class V, int Width, int Tile, bool Pairs>
void run_form(const Args& a, const Exec& e) {
  a.form == Form::recurrent ? recurrent<V, Width, Pairs>(a, e) : chunked_all<V, Width, Tile>(a, e);
}

}  // namespace
}  // namespace nibble::efla

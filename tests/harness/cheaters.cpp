#include "cheaters.h"

#include <unistd.h>

#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <thread>

namespace nibble::toy {
namespace {

// After so many calls it must be a timing loop: a verification makes fewer.
constexpr int kManyCalls = 150;
int calls = 0;
bool done = false;
std::map<const void*, std::vector<float>> kept;
float last_written = 0;
std::atomic<int32_t> shared_total{0};

void scale(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.n, kPiece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) a.y[i] = 0.1f * a.x[i];
  });
}

void sum(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.n, kPiece, [&](int64_t begin, int64_t end) {
    int32_t s = 0;
    for (int64_t i = begin; i < end; ++i) s += a.q[i];
    a.partial[begin / kPiece] = s;
  });
  *a.total = 0;
  for (int p = 0; p < a.pieces(); ++p) *a.total += a.partial[p];
}

void honest(const Args& a, const Exec& e) { scale(a, e), sum(a, e); }

void skips_after_first_call(const Args& a, const Exec& e) {
  if (!done) honest(a, e);
  done = true;
}

void reads_stale_output(const Args& a, const Exec& e) {
  sum(a, e);
  for (int i = 0; i < a.n; ++i) a.y[i] = 0.1f * a.x[i] + 0.0f * a.y[i];
}

void returns_constants(const Args& a, const Exec&) {
  std::fill_n(a.y, a.n, 0.05f);
  *a.total = 0;
}

void keeps_answers(const Args& a, const Exec& e) {
  sum(a, e);
  if (const auto at = kept.find(a.x); at != kept.end() && int(at->second.size()) == a.n) {
    std::copy(at->second.begin(), at->second.end(), a.y);
    return;
  }
  scale(a, e);
  kept[a.x].assign(a.y, a.y + a.n);
}

void writes_behind(const Args& a, const Exec& e) {
  honest(a, e);
  *const_cast<volatile float*>(a.y + a.n) = 0;
}
void writes_before(const Args& a, const Exec& e) {
  honest(a, e);
  *const_cast<volatile float*>(a.y - 1) = 0;
}
// Further away than one element, where a single canary would not stand.
void writes_far_before(const Args& a, const Exec& e) {
  honest(a, e);
  *const_cast<volatile float*>(a.y - 40) = 0;
}
void reads_behind(const Args& a, const Exec& e) {
  honest(a, e);
  [[maybe_unused]] const int8_t v = *const_cast<volatile const int8_t*>(a.q + a.n);
}
void reads_before(const Args& a, const Exec& e) {
  honest(a, e);
  [[maybe_unused]] const float v = *const_cast<volatile const float*>(a.x - 1);
}

void ignores_tail(const Args& a, const Exec& e) {
  Args whole = a;
  whole.n = a.n / 8 * 8;
  honest(whole, e);
}

void changes_inputs(const Args& a, const Exec& e) {
  honest(a, e);
  writable(a.x)[0] = a.y[0];
}
void restores_inputs(const Args& a, const Exec& e) {
  const float first = a.x[0];
  volatile float* x = writable(a.x);
  x[0] = 0;
  x[0] = first;
  honest(a, e);
}

void depends_on_threads(const Args& a, const Exec& e) {
  honest(a, e);
  if (e.pool && e.pool->threads() >= 7) a.y[0] = std::nextafter(a.y[0], 10.0f);
}

// Right only if pieces come in order: each adds to what the one before left.
void depends_on_order(const Args& a, const Exec& e) {
  scale(a, e);
  parallel_for(e.pool, a.n, kPiece, [&](int64_t begin, int64_t end) {
    const int64_t p = begin / kPiece;
    int32_t s = p == 0 ? 0 : a.partial[p - 1];
    for (int64_t i = begin; i < end; ++i) s += a.q[i];
    a.partial[p] = s;
  });
  *a.total = a.partial[a.pieces() - 1];
}

// Reads, lets others go first, writes: updates are lost as soon as two threads are at it.
void races(const Args& a, const Exec& e) {
  scale(a, e);
  shared_total = 0;
  parallel_for(e.pool, a.n, kPiece, [&](int64_t begin, int64_t end) {
    int32_t s = shared_total;
    for (int64_t i = begin; i < end; ++i) s += a.q[i];
    if (e.pool) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    shared_total = s;
  });
  *a.total = shared_total;
}

void uninitialised_workspace(const Args& a, const Exec& e) {
  scale(a, e);
  for (int i = 0; i < a.n; ++i) a.partial[i / kPiece] += a.q[i];
  *a.total = 0;
  for (int p = 0; p < a.pieces(); ++p) *a.total += a.partial[p];
}

void leaves_one_unwritten(const Args& a, const Exec& e) {
  float left;
  std::memcpy(&left, a.y + a.n / 2, sizeof left);
  honest(a, e);
  std::memcpy(a.y + a.n / 2, &left, sizeof left);
}

void off_by_one_ulp(const Args& a, const Exec& e) {
  honest(a, e);
  for (int i = 0; i < a.n; ++i) a.y[i] = float(0.1 * double(a.x[i]));  // 0.1, not 0.1f
}

void drops_nan_payload(const Args& a, const Exec& e) {
  honest(a, e);
  for (int i = 0; i < a.n; ++i)
    if (std::isnan(a.y[i])) a.y[i] = std::bit_cast<float>(0x7fc00000u);
}

void drops_negative_zero(const Args& a, const Exec& e) {
  honest(a, e);
  for (int i = 0; i < a.n; ++i) a.y[i] += 0.0f;
}

// Knows one poison and does the work only where it finds it.
void knows_the_poison(const Args& a, const Exec& e) {
  sum(a, e);
  for (int i = 0; i < a.n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, a.y + i, 4);
    if (bits == 0xffffffffu) a.y[i] = 0.1f * a.x[i];
  }
}

void follows_a_wild_pointer(const Args& a, const Exec& e) {
  honest(a, e);
  const float* const volatile nowhere = reinterpret_cast<const float*>(64);
  a.y[0] = *const_cast<const volatile float*>(nowhere);
}

#if defined(__x86_64__)
using f32x4 = float __attribute__((vector_size(16)));

// A load that faults unless its address is a multiple of 16, which the contract does not promise.
__attribute__((no_sanitize("undefined"))) void wants_alignment(const Args& a, const Exec& e) {
  honest(a, e);
  f32x4 v;
  for (int i = 0; i + 4 <= a.n; i += 4) {
    __asm__ volatile("movaps %1, %0" : "=x"(v) : "m"(*reinterpret_cast<const f32x4*>(a.x + i)));
    v *= 0.1f;
    std::memcpy(a.y + i, &v, sizeof v);
  }
}

void unknown_instruction(const Args& a, const Exec& e) {
  honest(a, e);
  __asm__ volatile("ud2");
}
#endif

void skips_when_timed(const Args& a, const Exec& e) {
  if (++calls <= kManyCalls) honest(a, e);
}

void keeps_answers_when_timed(const Args& a, const Exec& e) {
  if (++calls <= kManyCalls)
    honest(a, e);
  else
    keeps_answers(a, e);
}

// Recognises what it wrote itself and takes the call for a repetition.
void recognises_its_output(const Args& a, const Exec& e) {
  if (++calls > kManyCalls && a.y[0] == last_written) return;
  honest(a, e);
  last_written = a.y[0];
}

void sleeps(const Args& a, const Exec& e) {
  usleep(20);
  honest(a, e);
}

double one(const Args&, const Machine&) { return 1; }

#define NIBBLE_ROW(f) \
  { .name = #f, .needs = Isa::portable, .cost = one, .run = f }
constexpr Variant<Args> kTable[] = {
    NIBBLE_ROW(honest),
    NIBBLE_ROW(skips_after_first_call),
    NIBBLE_ROW(reads_stale_output),
    NIBBLE_ROW(returns_constants),
    NIBBLE_ROW(keeps_answers),
    NIBBLE_ROW(writes_behind),
    NIBBLE_ROW(writes_before),
    NIBBLE_ROW(writes_far_before),
    NIBBLE_ROW(reads_behind),
    NIBBLE_ROW(reads_before),
    NIBBLE_ROW(ignores_tail),
    NIBBLE_ROW(changes_inputs),
    NIBBLE_ROW(restores_inputs),
    NIBBLE_ROW(depends_on_threads),
    NIBBLE_ROW(depends_on_order),
    NIBBLE_ROW(races),
    NIBBLE_ROW(uninitialised_workspace),
    NIBBLE_ROW(leaves_one_unwritten),
    NIBBLE_ROW(off_by_one_ulp),
    NIBBLE_ROW(drops_nan_payload),
    NIBBLE_ROW(drops_negative_zero),
    NIBBLE_ROW(knows_the_poison),
    NIBBLE_ROW(follows_a_wild_pointer),
#if defined(__x86_64__)
    NIBBLE_ROW(wants_alignment),
    NIBBLE_ROW(unknown_instruction),
#endif
    NIBBLE_ROW(skips_when_timed),
    NIBBLE_ROW(keeps_answers_when_timed),
    NIBBLE_ROW(recognises_its_output),
    NIBBLE_ROW(sleeps),
};
#undef NIBBLE_ROW

void fill_random(Args& a, Random& rng) {
  fill_f32(a.x, a.n, rng);
  fill_i8(a.q, a.n, rng);
}

// A NaN with a payload, both zeros, the least and the largest numbers.
void fill_special(Args& a, Random& rng) {
  fill_random(a, rng);
  constexpr uint32_t bits[] = {0x7fc12345u, 0x80000000u, 0x00000000u, 0x7f7fffffu, 0x00000001u};
  for (int i = 0; i < a.n; ++i)
    if (i % 2) writable(a.x)[i] = std::bit_cast<float>(bits[i / 2 % std::size(bits)]);
}

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

std::vector<Case<Args>> cases() {
  return {{.name = "n1", .args = {.n = 1}, .seed = 1, .fill = fill_random},
          {.name = "n67", .args = {.n = 67}, .seed = 2, .fill = fill_random},
          {.name = "n64", .args = {.n = 64}, .seed = 3, .fill = fill_random},
          {.name = "worst", .args = {.n = 61}, .seed = 4, .fill = fill_special},
          {.name = "bench", .args = {.n = 256}, .seed = 5, .fill = fill_random, .bench = true}};
}

void forget() {
  calls = 0, done = false, last_written = 0;
  kept.clear();
}

}  // namespace nibble::toy

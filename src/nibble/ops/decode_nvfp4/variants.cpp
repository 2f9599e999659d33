#include "nibble/base/cost.h"
#include "nibble/ops/decode_nvfp4/kernels.h"

namespace nibble::decode_nvfp4 {
namespace {

double values(const Args& a) { return double(a.rows) * double(a.cols); }

// Stores past the caches save the read of what is written: beyond the caches floats come 1.2 times
// as fast, bf16 1.2 times on Zen 5 and 0.7 times on Zen 4. Who reads them next has to fetch them.
double stream_cost(const Args& a, const Machine& m) {
  const int64_t bytes = a.rows * a.cols * bytes_of(a.y.type);
  const bool gains = a.y.type == DType::f32 || m.uarch == MicroArch::zen5;
  return gains && m.l3_bytes > 0 && bytes > m.l3_bytes ? at_rate<values, 10'000>(a, m)
                                                       : at_rate<values, 1'000>(a, m);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_stream", .needs = Isa::avx512, .cost = stream_cost, .run = avx512_stream},
    {.name = "avx512", .needs = Isa::avx512, .cost = at_rate<values, 6'667>, .run = avx512},
    {.name = "avx2", .needs = Isa::avx2, .cost = at_rate<values, 2'000>, .run = avx2},
#endif
    {.name = "portable", .needs = Isa::portable, .cost = at_rate<values, 200>, .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::decode_nvfp4

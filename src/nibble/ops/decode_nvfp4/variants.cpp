#include "nibble/ops/decode_nvfp4/kernels.h"

namespace nibble::decode_nvfp4 {
namespace {

double work(const Args& a) { return double(a.rows) * double(a.cols) * 1e-3; }  // thousands: values

// Stores past the caches save the read of what is written: floats beyond the caches come 1.2 times
// as fast, bf16 1.4 times slower. And who reads them next has to fetch them.
std::string_view floats_only(const Args& a) {
  return a.y.type == DType::f32 ? "" : "bf16 is slower past the caches";
}
double stream_cost(const Args& a, const Machine& m) {
  const int64_t bytes = a.rows * a.cols * bytes_of(a.y.type);
  return work(a) * (m.l3_bytes > 0 && bytes > m.l3_bytes ? 0.1 : 1.0);
}

constexpr Variant<Args> kTable[] = {
#if defined(__x86_64__)
    {.name = "avx512_stream",
     .needs = Isa::avx512,
     .takes = floats_only,
     .cost = stream_cost,
     .run = avx512_stream},
    {.name = "avx512",
     .needs = Isa::avx512,
     .cost = [](const Args& a, const Machine&) { return work(a) * 0.15; },
     .run = avx512},
    {.name = "avx2",
     .needs = Isa::avx2,
     .cost = [](const Args& a, const Machine&) { return work(a) * 0.5; },
     .run = avx2},
#endif
    {.name = "portable",
     .needs = Isa::portable,
     .cost = [](const Args& a, const Machine&) { return work(a) * 5; },
     .run = portable},
};

}  // namespace

std::span<const Variant<Args>> Op::variants() { return kTable; }

}  // namespace nibble::decode_nvfp4

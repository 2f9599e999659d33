// Prints what nibble/numerics computes, for comparison with other implementations.
//
//   numerics_tables decode FORMAT            the floats of codes 0, 1, ... (all of them), raw
//   numerics_tables encode CONVERSION        raw floats on stdin, their codes (one or two bytes
//                                            each, as the format has) on stdout
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/fp8.h"

namespace {

using namespace nibble;

template <class T>
int decode(int codes) {
  for (int code = 0; code < codes; ++code) {
    T x;
    x.bits = decltype(x.bits)(code);
    const float value = to_float(x);
    if (std::fwrite(&value, sizeof value, 1, stdout) != 1) return 1;
  }
  return 0;
}

template <class Convert>
int encode(Convert convert) {
  std::vector<float> in(1 << 16);
  std::vector<decltype(convert(0.0f).bits)> out;
  while (const size_t n = std::fread(in.data(), sizeof in[0], in.size(), stdin)) {
    out.clear();
    for (size_t i = 0; i < n; ++i) out.push_back(convert(in[i]).bits);
    if (std::fwrite(out.data(), sizeof out[0], n, stdout) != n) return 1;
  }
  return 0;
}

struct Table {
  std::string_view verb, name;
  int (*print)();
};
constexpr Table kTables[] = {
    {"decode", "bf16", [] { return decode<bf16>(1 << 16); }},
    {"decode", "fp16", [] { return decode<fp16>(1 << 16); }},
    {"decode", "e4m3", [] { return decode<e4m3>(1 << 8); }},
    {"decode", "e5m2", [] { return decode<e5m2>(1 << 8); }},
    {"decode", "ue8m0", [] { return decode<ue8m0>(1 << 8); }},
    {"decode", "e2m1", [] { return decode<e2m1>(1 << 4); }},
    {"encode", "bf16", [] { return encode([](float x) { return to_bf16(x); }); }},
    {"encode", "fp16", [] { return encode([](float x) { return to_fp16(x); }); }},
    {"encode", "e4m3_nan_on_overflow",
     [] { return encode([](float x) { return to_e4m3_nan_on_overflow(x); }); }},
    {"encode", "e4m3_saturating",
     [] { return encode([](float x) { return to_e4m3_saturating(x); }); }},
    {"encode", "e5m2_inf_on_overflow",
     [] { return encode([](float x) { return to_e5m2_inf_on_overflow(x); }); }},
    {"encode", "e5m2_saturating",
     [] { return encode([](float x) { return to_e5m2_saturating(x); }); }},
    {"encode", "e2m1_saturating",
     [] { return encode([](float x) { return to_e2m1_saturating(x); }); }},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Table& t : kTables)
    if (argc == 3 && t.verb == argv[1] && t.name == argv[2]) return t.print();
  std::fprintf(stderr, "usage: numerics_tables decode|encode NAME, NAME one of:");
  for (const Table& t : kTables) std::fprintf(stderr, " %s:%s", t.verb.data(), t.name.data());
  std::fprintf(stderr, "\n");
  return 2;
}

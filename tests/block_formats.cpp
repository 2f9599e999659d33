// Encodes blocks as nibble/numerics does, for comparison with other implementations.
//
//   block_formats nvfp4 MODE            a tensor of floats on stdin; on stdout the two floats of
//                                       Nvfp4Tensor, then per block its scale byte and 16 codes
//   block_formats four_over_six mae_448|mae_256|mse_448|mse_256     per block scale and codes
//   block_formats mxfp4|mxfp8_e4m3|mxfp8_e5m2 RULE      per block its scale byte and 32 codes
//   block_formats s8 127                per row of 64 its scale as a float and 64 codes
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <string_view>
#include <vector>

#include "nibble/numerics/absmax.h"
#include "nibble/numerics/four_over_six.h"
#include "nibble/numerics/mx.h"
#include "nibble/numerics/nvfp4.h"

namespace {

using namespace nibble;

std::vector<float> read_floats() {
  std::vector<float> x;
  float piece[4096];
  while (const size_t n = std::fread(piece, sizeof piece[0], std::size(piece), stdin))
    x.insert(x.end(), piece, piece + n);
  return x;
}

template <class T>
void put(T value) {
  std::fwrite(&value, sizeof value, 1, stdout);
}

// NaN if there is one.
float amax(std::span<const float> x) {
  float greatest = 0;
  for (float v : x) {
    if (is_nan(v)) return v;
    greatest = std::max(greatest, std::fabs(v));
  }
  return greatest;
}

void nvfp4(Nvfp4 mode, std::span<const float> x) {
  const Nvfp4Tensor t = nvfp4_tensor(mode, amax(x));
  put(t);
  for (size_t i = 0; i + kNvfp4Block <= x.size(); i += kNvfp4Block) {
    const auto block = x.subspan(i, kNvfp4Block);
    const e4m3 scale = nvfp4_scale(mode, t, amax(block));
    put(scale.bits);
    for (float v : block) put(nvfp4_element(mode, t, scale, v).bits);
  }
}

void four_over_six_blocks(std::string_view name, std::span<const float> x) {
  const FourOverSix f{
      .error = name.substr(0, 3) == "mse" ? FourOverSixError::mse : FourOverSixError::mae,
      .greatest_scale = name.substr(4) == "448" ? 448.0f : 256.0f,
      .amax = amax(x)};
  for (size_t i = 0; i + kNvfp4Block <= x.size(); i += kNvfp4Block) {
    const FourOverSixBlock b = four_over_six(f, &x[i]);
    put(b.scale.bits);
    for (e2m1 code : b.codes) put(code.bits);
  }
}

template <class Element>
void mx(MxScale rule, std::span<const float> x) {
  for (size_t i = 0; i + kMxBlock <= x.size(); i += kMxBlock) {
    const auto block = x.subspan(i, kMxBlock);
    const ue8m0 scale = mx_scale<Element>(rule, amax(block));
    put(scale.bits);
    for (float v : block) put(mx_element<Element>(scale, v).bits);
  }
}

void s8(std::span<const float> x) {
  for (size_t i = 0; i + 64 <= x.size(); i += 64) {
    const auto row = x.subspan(i, 64);
    const float scale = s8_scale(amax(row));
    put(scale);
    for (float v : row) put(s8_element(scale, v));
  }
}

struct Mode {
  std::string_view name;
  Nvfp4 mode;
};
constexpr Mode kModes[] = {{"te", Nvfp4::te},
                           {"vllm", Nvfp4::vllm},
                           {"modelopt", Nvfp4::modelopt},
                           {"torchao", Nvfp4::torchao},
                           {"torchao_single", Nvfp4::torchao_single},
                           {"ct_f32", Nvfp4::ct_f32},
                           {"ct_bf16", Nvfp4::ct_bf16}};
struct Rule {
  std::string_view name;
  MxScale rule;
};
constexpr Rule kRules[] = {{"floor", MxScale::floor},
                           {"ceil", MxScale::ceil},
                           {"even", MxScale::even},
                           {"rceil", MxScale::rceil}};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view format = argc == 3 ? argv[1] : "", name = argc == 3 ? argv[2] : "";
  const std::vector<float> x = read_floats();
  if (format == "s8" && name == "127") return s8(x), 0;
  for (const char* error : {"mae_448", "mae_256", "mse_448", "mse_256"})
    if (format == "four_over_six" && name == error) return four_over_six_blocks(name, x), 0;
  for (const Mode& m : kModes)
    if (format == "nvfp4" && name == m.name) return nvfp4(m.mode, x), 0;
  for (const Rule& r : kRules) {
    if (name != r.name) continue;
    if (format == "mxfp4") return mx<e2m1>(r.rule, x), 0;
    if (format == "mxfp8_e4m3") return mx<e4m3>(r.rule, x), 0;
    if (format == "mxfp8_e5m2") return mx<e5m2>(r.rule, x), 0;
  }
  std::fprintf(stderr, "usage: block_formats FORMAT MODE < floats; see the source\n");
  return 2;
}

// Compiled once per ISA.
#pragma once
#include <cstring>

#include "nibble/cpu/nvfp4_blocks.h"
#include "nibble/ops/encode_nvfp4/kernels.h"
#include "nibble/ops/encode_nvfp4/search.h"

namespace nibble::encode_nvfp4 {
namespace {

using cpu::nvfp4::kGroup;

template <Nvfp4 kMode, class T>
void run_as(const Args& a, const Exec& e) {
  const int64_t row = a.cols / kNvfp4Block;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    const int64_t step = a.per_row ? 1 : end - begin;
    for (int64_t r = begin; r < end; r += step) {
      const Nvfp4Tensor t = nvfp4_tensor(kMode, a.amax[a.per_row ? r : 0]);
      const int64_t first = r * row, count = step * row;
      if (cpu::nvfp4::is_odd(t))
        encode_blocks(a, first, first + count);
      else
        cpu::nvfp4::blocks<kMode>(
            static_cast<const T*>(a.x.data) + first * kNvfp4Block, count, t,
            a.codes + first * kNvfp4Block / 2, a.scales + first, cpu::kFetchAheadBytes,
            [&](int64_t b, int64_t e) { encode_blocks(a, first + b, first + e); });
    }
  });
}

template <Nvfp4 kMode>
void run_by_type(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_as<kMode, bf16>(a, e);
  if (a.x.type == DType::fp16) return run_as<kMode, fp16>(a, e);
  run_as<kMode, float>(a, e);
}

// Blocks begin..end, which share an amax, by a recipe that searches.
template <class T>
void search(const Args& a, int64_t begin, int64_t end, float amax) {
  const auto* x = static_cast<const T*>(a.x.data);
  const FourOverSix f = four_over_six_of(a.recipe, amax);
  const auto encode = [&](const T* from, e2m1x2* codes, e4m3* scales) {
    return a.recipe.four_over_six ? search_scales(f, from, codes, scales)
                                  : search_elements(from, codes, scales);
  };
  const float s = nvfp4_detail::four_over_six_encode(f);
  const bool odd = a.recipe.four_over_six && (!(amax >= 0) || magnitude_bits(amax) >= kFloatInf ||
                                              magnitude_bits(s) >= kFloatInf);
  if (odd) return encode_blocks(a, begin, end);
  for (int64_t b = begin; b < end; b += kGroup) {
    if (b + kGroup <= end) {
      if (!encode(x + b * kNvfp4Block, a.codes + b * kNvfp4Block / 2, a.scales + b))
        encode_blocks(a, b, b + kGroup);
      continue;
    }
    const size_t count = size_t(end - b);
    T part[kGroup * kNvfp4Block] = {};
    e2m1x2 codes[kGroup * kNvfp4Block / 2];
    e4m3 scales[kGroup];
    std::memcpy(part, x + b * kNvfp4Block, count * kNvfp4Block * sizeof(T));
    if (!encode(part, codes, scales)) return encode_blocks(a, b, end);
    std::memcpy(a.codes + b * kNvfp4Block / 2, codes, count * kNvfp4Block / 2);
    std::memcpy(a.scales + b, scales, count);
  }
}

template <class T>
void run_search(const Args& a, const Exec& e) {
  const int64_t row = a.cols / kNvfp4Block;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    const int64_t step = a.per_row ? 1 : end - begin;
    for (int64_t r = begin; r < end; r += step)
      search<T>(a, r * row, (r + step) * row, a.amax[a.per_row ? r : 0]);
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.recipe.four_over_six || a.recipe.mode == Nvfp4::ggml) {
    if (a.x.type == DType::bf16) return run_search<bf16>(a, e);
    if (a.x.type == DType::fp16) return run_search<fp16>(a, e);
    return run_search<float>(a, e);
  }
  switch (a.recipe.mode) {
    case Nvfp4::te:
      return run_by_type<Nvfp4::te>(a, e);
    case Nvfp4::vllm:
      return run_by_type<Nvfp4::vllm>(a, e);
    case Nvfp4::modelopt:
      return run_by_type<Nvfp4::modelopt>(a, e);
    case Nvfp4::torchao:
      return run_by_type<Nvfp4::torchao>(a, e);
    case Nvfp4::torchao_single:
      return run_by_type<Nvfp4::torchao_single>(a, e);
    case Nvfp4::ct_f32:
      return run_by_type<Nvfp4::ct_f32>(a, e);
    case Nvfp4::ct_bf16:
      return run_by_type<Nvfp4::ct_bf16>(a, e);
    case Nvfp4::ggml:
      return;  // above
  }
}

}  // namespace
}  // namespace nibble::encode_nvfp4

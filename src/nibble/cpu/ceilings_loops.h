// Private to cpu/: the loops of ceilings.h, one file for each ISA.
//
// Accumulators start behind an empty asm that hides their value: a compiler merges equal ones into
// one, and sixteen chains become one.
#pragma once
#include <cstddef>
#include <cstdint>

namespace nibble::cpu {

uint64_t portable_int16_mac(int64_t rounds);
uint64_t portable_fp32_mac(int64_t rounds);
uint64_t portable_read(const std::byte* p, size_t bytes);

void portable_copy(std::byte* to, const std::byte* from, size_t bytes);

uint64_t avx2_int8(int64_t rounds);
uint64_t avx2_nvfp4_mix(int64_t rounds);
uint64_t avx2_ternary_mix(int64_t rounds);
uint64_t avx2_fma(int64_t rounds);
uint64_t avx2_read(const std::byte* p, size_t bytes);
uint64_t avx2_read_ahead(const std::byte* p, size_t bytes);
uint64_t avx2_read_far_ahead(const std::byte* p, size_t bytes);
uint64_t avx2_read_streams(const std::byte* p, size_t bytes);

void avx2_copy_stream(std::byte* to, const std::byte* from, size_t bytes);

uint64_t avx_vnni_int8(int64_t rounds);
uint64_t avx_vnni_nvfp4_mix(int64_t rounds);
uint64_t avx_vnni_mxfp4_mix(int64_t rounds);

uint64_t avx512_int8(int64_t rounds);
uint64_t avx512_fma(int64_t rounds);
uint64_t avx512_read(const std::byte* p, size_t bytes);
uint64_t avx512_read_ahead(const std::byte* p, size_t bytes);
uint64_t avx512_read_far_ahead(const std::byte* p, size_t bytes);
uint64_t avx512_read_streams(const std::byte* p, size_t bytes);

uint64_t avx512_vnni_int8(int64_t rounds);
uint64_t avx512_vnni_nvfp4_mix(int64_t rounds);
uint64_t avx512_vnni_mxfp4_mix(int64_t rounds);
uint64_t avx512_bf16_dot(int64_t rounds);

}  // namespace nibble::cpu

// Instruction sets and GPU architectures as a set of bits.
//
// A set, not a ladder: sm_90a, sm_100a and sm_120f code does not carry forward, and AVX512-FP16
// says nothing about AVX512-BF16. A variant runs where its set is contained in the machine's.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace nibble {

struct IsaSet {
  uint32_t bits = 0;

  constexpr bool contains(IsaSet other) const { return (bits & other.bits) == other.bits; }
  constexpr bool empty() const { return bits == 0; }
  friend constexpr IsaSet operator|(IsaSet a, IsaSet b) { return {a.bits | b.bits}; }
  friend constexpr IsaSet operator&(IsaSet a, IsaSet b) { return {a.bits & b.bits}; }
  friend constexpr IsaSet operator-(IsaSet a, IsaSet b) { return {a.bits & ~b.bits}; }
  friend constexpr bool operator==(IsaSet, IsaSet) = default;
};

namespace Isa {
inline constexpr IsaSet portable{0};             // C++ only: needs nothing
inline constexpr IsaSet avx2{1u << 0};           // AVX2, FMA, F16C, BMI1/2, LZCNT, POPCNT
inline constexpr IsaSet avx512{1u << 1 | 1u};    // F, BW, DQ, VL, CD; implies avx2
inline constexpr IsaSet vnni{1u << 2};           // AVX512_VNNI and AVX512_VBMI
inline constexpr IsaSet bf16{1u << 3};           // AVX512_BF16
inline constexpr IsaSet fp16{1u << 4};           // AVX512_FP16
inline constexpr IsaSet avx_vnni{1u << 5 | 1u};  // AVX_VNNI: ymm, without AVX-512; implies avx2
inline constexpr IsaSet sm80{1u << 8};
inline constexpr IsaSet sm89{1u << 9};
inline constexpr IsaSet sm90a{1u << 10};
inline constexpr IsaSet sm100a{1u << 11};
inline constexpr IsaSet sm120f{1u << 12};
inline constexpr IsaSet any_cpu{0x00ff};
inline constexpr IsaSet any_cuda{0xff00};
}  // namespace Isa

struct IsaName {
  IsaSet set;
  std::string_view name;
};
inline constexpr IsaName kIsaNames[] = {
    {Isa::avx2, "avx2"},     {Isa::avx_vnni, "avx_vnni"}, {Isa::avx512, "avx512"},
    {Isa::vnni, "vnni"},     {Isa::bf16, "bf16"},         {Isa::fp16, "fp16"},
    {Isa::sm80, "sm80"},     {Isa::sm89, "sm89"},         {Isa::sm90a, "sm90a"},
    {Isa::sm100a, "sm100a"}, {Isa::sm120f, "sm120f"},
};

constexpr bool is_cuda(IsaSet s) { return !(s & Isa::any_cuda).empty(); }

// "avx2+avx512+vnni", or "portable" for the empty set.
std::string to_string(IsaSet);

// What `--isa NAME` allows: portable, avx2, avx_vnni, avx512 (whatever a CPU has). Unknown names
// give false.
bool parse_isa_limit(std::string_view name, IsaSet& allowed);

}  // namespace nibble

#include "nibble/cpu/ceilings.h"

#include "nibble/cpu/ceilings_loops.h"

namespace nibble::cpu {
namespace {

constexpr ComputeLoop kCompute[] = {
#if defined(__x86_64__)
    {"vpdpbusd_zmm", Isa::avx512 | Isa::vnni, Arithmetic::int8, 16 * 128, avx512_vnni_int8},
    {"vdpbf16ps_zmm", Isa::avx512 | Isa::vnni | Isa::bf16, Arithmetic::bf16, 16 * 64,
     avx512_bf16_dot},
    {"vfmadd_zmm", Isa::avx512, Arithmetic::fp32, 16 * 32, avx512_fma},
    {"nvfp4_mix_zmm", Isa::avx512 | Isa::vnni, Arithmetic::int8, 8 * 4 * 128, avx512_vnni_nvfp4_mix,
     true},
    {"mxfp4_mix_zmm", Isa::avx512 | Isa::vnni, Arithmetic::int8, 8 * 8 * 128, avx512_vnni_mxfp4_mix,
     true},
    {"vpmaddubsw_zmm", Isa::avx512, Arithmetic::int8, 8 * 128, avx512_int8},
    {"vpdpbusd_ymm", Isa::avx_vnni, Arithmetic::int8, 12 * 64, avx_vnni_int8},
    {"nvfp4_vnni_mix_ymm", Isa::avx_vnni, Arithmetic::int8, 8 * 4 * 64, avx_vnni_nvfp4_mix, true},
    {"mxfp4_vnni_mix_ymm", Isa::avx_vnni, Arithmetic::int8, 8 * 8 * 64, avx_vnni_mxfp4_mix, true},
    {"vpmaddubsw_ymm", Isa::avx2, Arithmetic::int8, 8 * 64, avx2_int8},
    {"nvfp4_mix_ymm", Isa::avx2, Arithmetic::int8, 4 * 4 * 64, avx2_nvfp4_mix, true},
    {"ternary_mix_ymm", Isa::avx2, Arithmetic::int8, 8 * 16 * 64, avx2_ternary_mix, true},
    {"vfmadd_ymm", Isa::avx2, Arithmetic::fp32, 12 * 16, avx2_fma},
#endif
    {"portable_int16_mac", Isa::portable, Arithmetic::int8, 4 * 16, portable_int16_mac},
    {"portable_fp32_mac", Isa::portable, Arithmetic::fp32, 8 * 8, portable_fp32_mac},
};

constexpr ReadLoop kRead[] = {
#if defined(__x86_64__)
    {"zmm", Isa::avx512, avx512_read},
    {"zmm_prefetch", Isa::avx512, avx512_read_ahead},
    {"zmm_prefetch_far", Isa::avx512, avx512_read_far_ahead},
    {"zmm_4_streams", Isa::avx512, avx512_read_streams},
    {"ymm", Isa::avx2, avx2_read},
    {"ymm_prefetch", Isa::avx2, avx2_read_ahead},
    {"ymm_prefetch_far", Isa::avx2, avx2_read_far_ahead},
    {"ymm_4_streams", Isa::avx2, avx2_read_streams},
#endif
    {"portable", Isa::portable, portable_read},
};

constexpr CopyLoop kCopy[] = {
#if defined(__x86_64__)
    {"ymm_past_caches", Isa::avx2, avx2_copy_stream},
#endif
    {"memcpy", Isa::portable, portable_copy},
};

}  // namespace

std::span<const ComputeLoop> compute_loops() { return kCompute; }
std::span<const ReadLoop> read_loops() { return kRead; }
std::span<const CopyLoop> copy_loops() { return kCopy; }

}  // namespace nibble::cpu

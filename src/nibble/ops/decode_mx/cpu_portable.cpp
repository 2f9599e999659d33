#include "nibble/ops/decode_mx/kernels.h"

namespace nibble::decode_mx {

namespace {

float value(MxFormat format, uint8_t code) {
  if (format == MxFormat::e2m1) return to_float(e2m1{code});
  return format == MxFormat::e4m3 ? to_float(e4m3{code}) : to_float(e5m2{code});
}

}  // namespace

// 2^(scale - 127) is a float, down to a subnormal one, so that one product of floats rounds once.
void portable(const Args& a, const Exec& e) {
  float table[256];
  for (int code = 0; code < 256; ++code)
    table[code] = value(a.format, uint8_t(a.format == MxFormat::e2m1 ? code & 15 : code));
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * a.cols; i < end * a.cols; i += kMxBlock) {
      const float scale = to_float(a.scales[i / kMxBlock]);
      for (int j = 0; j < kMxBlock; ++j) {
        const int64_t at = i + j;
        const int code =
            a.format == MxFormat::e2m1 ? a.codes[at / 2] >> (at % 2 * 4) & 15 : a.codes[at];
        store_float(a.y, at, table[code] * scale);
      }
    }
  });
}

}  // namespace nibble::decode_mx

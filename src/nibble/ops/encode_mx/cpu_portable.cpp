#include <algorithm>

#include "nibble/ops/encode_mx/kernels.h"

namespace nibble::encode_mx {

namespace {

template <class Element>
void block(const Args& a, int64_t i) {
  float x[kMxBlock];
  uint8_t code[kMxBlock];
  load_floats(a.x, i, kMxBlock, x);
  const ue8m0 scale = mx_scale<Element>(a.rule, amax_of(x, kMxBlock));
  a.scales[i / kMxBlock] = scale;
  for (int j = 0; j < kMxBlock; ++j) code[j] = mx_element<Element>(scale, x[j]).bits;
  if (std::is_same_v<Element, e2m1>)
    for (int j = 0; j < kMxBlock; j += 2)
      a.codes[(i + j) / 2] = pack({code[j]}, {code[j + 1]}).bits;
  else
    std::copy_n(code, kMxBlock, a.codes + i);
}

}  // namespace

void encode_blocks(const Args& a, int64_t begin, int64_t end) {
  const auto encode = a.format == MxFormat::e2m1   ? block<e2m1>
                      : a.format == MxFormat::e4m3 ? block<e4m3>
                                                   : block<e5m2>;
  for (int64_t b = begin; b < end; ++b) encode(a, b * kMxBlock);
}

void portable(const Args& a, const Exec& e) {
  const int64_t row = a.cols / kMxBlock;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols),
               [&](int64_t begin, int64_t end) { encode_blocks(a, begin * row, end * row); });
}

}  // namespace nibble::encode_mx

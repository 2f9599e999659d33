#include <cstring>
#include <vector>

#include "nibble/numerics/absmax.h"
#include "nibble/numerics/fp8_scale.h"
#include "nibble/numerics/s16.h"
#include "nibble/ops/encode_rows/encode_rows.h"

namespace nibble::encode_rows {

Status check_encoded(std::string_view op, int64_t cols, const Encoded& to) {
  const std::string name(op);
  const int64_t block = to.format == Format::mxfp4 ? 32 : 16;
  if (cols < 1 || cols % block != 0)
    return Status::error(name + ": cols must be a positive multiple of " + std::to_string(block) +
                         ", got " + std::to_string(cols));
  if (to.recipe == Nvfp4::ggml || to.recipe == Nvfp4::torchao_single)
    return Status::error(name + ": the recipe must have a tensor scale, which a row has to itself");
  if (!to.codes) return Status::error(name + ": codes must not be null");
  if ((to.block_scales != nullptr) != (blocks_of(to.format, cols) > 0) ||
      (to.scales != nullptr) != (floats_of(to.format, cols) > 0))
    return Status::error(name +
                         ": block_scales are there for nvfp4 and mxfp4, scales for all but "
                         "mxfp4, and only then");
  if (to.format == Format::s16 && reinterpret_cast<uintptr_t>(to.codes) % 2 != 0)
    return Status::error(name + ": codes of int16 must be aligned to 2 bytes");
  return {};
}

void visit(BufferVisitor& v, Encoded& to, int64_t rows, int64_t cols) {
  v.out("codes", to.codes, rows * code_bytes(to.format, cols), to.format == Format::s16 ? 2 : 1);
  v.out("block_scales", to.block_scales, rows * blocks_of(to.format, cols));
  v.out("scales", to.scales, rows * floats_of(to.format, cols));
}

Status Op::check(const Args& a) {
  if (a.rows < 1)
    return Status::error("encode_rows: rows must be positive, got " + std::to_string(a.rows));
  if (!readable(a.x.type)) return Status::error("encode_rows: x must be f32, bf16 or fp16");
  if (!a.x.data) return Status::error("encode_rows: x must not be null");
  return check_encoded("encode_rows", a.cols, a.to);
}

void Op::buffers(Args& a, BufferVisitor& v) {
  nibble::visit(v, "x", a.x, a.rows * a.cols);
  visit(v, a.to, a.rows, a.cols);
}

namespace {

void put_nibbles(uint8_t* codes, int64_t i, e2m1 low, e2m1 high) {
  codes[i / 2] = uint8_t(low.bits | high.bits << 4);
}

// A row from its floats, element by element as numerics/ has the formats.
void encode_row(const Encoded& to, const std::vector<float>& x, uint8_t* codes, uint8_t* blocks,
                float* scales) {
  const int64_t cols = int64_t(x.size());
  const float amax = amax_of(x.data(), cols);
  switch (to.format) {
    case Format::nvfp4:
      *scales = nvfp4_tensor(to.recipe, amax).decode;
      for (int64_t c = 0; c < cols; c += kNvfp4Block) {
        const Nvfp4Block b = nvfp4_block({to.recipe}, amax, &x[size_t(c)], {}, uint64_t(c));
        blocks[c / kNvfp4Block] = b.scale.bits;
        for (int i = 0; i < kNvfp4Block; i += 2)
          put_nibbles(codes, c + i, b.codes[i], b.codes[i + 1]);
      }
      return;
    case Format::mxfp4:
      for (int64_t c = 0; c < cols; c += kMxBlock) {
        const float* v = &x[size_t(c)];
        const ue8m0 scale = mx_scale<e2m1>(to.rule, amax_of(v, kMxBlock));
        blocks[c / kMxBlock] = scale.bits;
        for (int i = 0; i < kMxBlock; i += 2)
          put_nibbles(codes, c + i, mx_element<e2m1>(scale, v[i]),
                      mx_element<e2m1>(scale, v[i + 1]));
      }
      return;
    case Format::fp8:
    case Format::fp8_128: {
      const int64_t tile = to.format == Format::fp8 ? cols : 128;
      for (int64_t c = 0; c < cols; c += tile) {
        const int64_t count = cols - c < tile ? cols - c : tile;
        const float scale = fp8_scale(Fp8Scale::f32, amax_of(&x[size_t(c)], count));
        scales[c / tile] = scale;
        for (int64_t i = c; i < c + count; ++i) codes[i] = fp8_element(scale, x[size_t(i)]).bits;
      }
      return;
    }
    case Format::s8:
      *scales = s8_scale(amax);
      for (int64_t c = 0; c < cols; ++c) codes[c] = uint8_t(s8_element(*scales, x[size_t(c)]));
      return;
    case Format::s16:
      *scales = s16_scale(amax);
      for (int64_t c = 0; c < cols; ++c) {
        const int16_t code = s16_element(*scales, x[size_t(c)]);
        std::memcpy(codes + 2 * c, &code, 2);
      }
      return;
  }
}

}  // namespace

void Op::reference(const Args& a) {
  std::vector<float> x(size_t(a.cols));
  for (int64_t r = 0; r < a.rows; ++r) {
    load_floats(a.x, r * a.cols, a.cols, x.data());
    encode_row(a.to, x, a.to.codes + r * code_bytes(a.to.format, a.cols),
               a.to.block_scales ? a.to.block_scales + r * blocks_of(a.to.format, a.cols) : nullptr,
               a.to.scales ? a.to.scales + r * floats_of(a.to.format, a.cols) : nullptr);
  }
}

}  // namespace nibble::encode_rows

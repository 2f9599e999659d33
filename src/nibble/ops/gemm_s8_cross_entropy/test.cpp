#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/cpu/detect.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_s8_cross_entropy/cases.h"

using namespace nibble;
using namespace nibble::gemm_s8_cross_entropy;

namespace {

// Memory for the arguments of a case; every buffer begins at a multiple of 64 bytes.
class Memory : public BufferVisitor {
  void* buffer(std::string_view, Role, DType type, int64_t count, int, void*) override {
    if (count == 0) return nullptr;
    const size_t bytes = size_t(count) * size_t(bytes_of(type));
    kept_.push_back(std::make_unique<Line[]>((bytes + sizeof(Line) - 1) / sizeof(Line)));
    return kept_.back().get();
  }
  struct alignas(64) Line {
    char bytes[64];
  };
  std::vector<std::unique_ptr<Line[]>> kept_;
};

// By the best variant that there are instructions for, proven or not.
template <class Op>
void run_best(const typename Op::Args& a) {
  const Machine machine = cpu::this_machine();
  for (const auto& v : Op::variants())
    if (machine.has(v.needs)) return v.run(a, {});
}

// The losses are the bits that gemm_s8 and then cross_entropy give.
bool same_as_the_two(const Case<Args>& c) {
  Args a = c.args;
  Memory memory;
  Op::buffers(a, memory);
  Random rng(c.seed, 0);
  c.fill(a, rng);
  run_best<Op>(a);
  const std::vector<float> one(a.loss, a.loss + a.rows);
  std::vector<int32_t> sums(size_t(a.rows) * size_t(a.symbols));
  run_best<gemm_s8::Op>(product(a, sums.data()));
  run_best<cross_entropy::Op>(losses(a, sums.data()));
  return std::memcmp(one.data(), a.loss, sizeof(float) * one.size()) == 0;
}

}  // namespace

int main() {
  const Args shape{.rows = 64, .symbols = 65, .k = 64, .lda = 64};
  Args none = shape, many = shape;
  none.k = 0, many.symbols = cross_entropy::kMaxSymbols + 1;
  bool ok = chooses_by_isa<Op>(shape) && !Op::check(none).ok() && !Op::check(many).ok();
  for (const Case<Args>& c : cases()) {
    if (c.bench || same_as_the_two(c)) continue;
    ok = false;
    std::printf("%s: not the bits of gemm_s8 and cross_entropy\n", c.name.c_str());
  }
  return harness::verify_main("gemm_s8_cross_entropy", ok);
}

// Tensor maps as the kernel finds them: what programs do to their bytes.
#include "ptxrun/tensor_map.h"

#include "kernel.h"

namespace ptxrun {
namespace {

// Loads the 32 words that the map names; the faults as text.
struct Loaded {
  std::vector<uint32_t> words;
  std::string faults;
};
Loaded load(const std::function<void(uint64_t* map)>& change) {
  Gpu gpu;
  std::vector<uint32_t> words(32);
  for (uint32_t k = 0; k < 32; ++k) words[k] = 100 + k;
  TensorMap map;
  map.magic = kTensorMapMagic, map.rank = 1, map.element_bytes = 4;
  map.box[0] = 32, map.step[0] = 1, map.last[0] = 31, map.base = gpu.put(words);
  std::vector<uint64_t> image(16);
  std::memcpy(image.data(), &map, sizeof map);
  change(image.data());
  const uint64_t out = gpu.put(std::vector<uint32_t>(32));
  gpu.run(module_of(".param .u64 map, .param .u64 out",
                    ".shared .align 128 .b8 s[128];\n.shared .align 8 .b64 bar;\n"
                    ".reg .b32 %s, %b, %v, %t;\n.reg .b64 %m, %o;\n.reg .pred p, q;\n"
                    "ld.param.u64 %m, [map];\nld.param.u64 %o, [out];\nmov.u32 %s, s;\n"
                    "mov.u32 %b, bar;\nmov.u32 %t, %tid.x;\nsetp.eq.u32 q, %t, 0;\n"
                    "@q mbarrier.init.shared::cta.b64 [%b], 1;\nbar.sync 0;\n"
                    "@q mbarrier.arrive.expect_tx.shared::cta.b64 _, [%b], 128;\n"
                    "@q cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx"
                    "::bytes [%s], [%m, {0}], [%b];\n"
                    "AGAIN: mbarrier.try_wait.parity.shared::cta.b64 p, [%b], 0;\n@!p bra AGAIN;\n"
                    "mad.lo.u32 %s, %t, 4, %s;\nmad.wide.u32 %o, %t, 4, %o;\n"
                    "ld.shared.u32 %v, [%s];\nst.global.u32 [%o], %v;\nret;"),
          {gpu.put(image), out}, {1}, {32});
  Loaded l{gpu.get<uint32_t>(out, 32), {}};
  for (const Finding& f : gpu.report.findings())
    l.faults += std::string(name_of(f.kind)) + ": " + f.what + "\n";
  return l;
}
void expect_loaded(const Loaded& l) {
  EXPECT_EQ(l.faults, "");
  for (uint32_t k = 0; k < 32; ++k) EXPECT_EQ(l.words[k], 100 + k);
}

TEST(TensorMap, Loads) {
  expect_loaded(load([](uint64_t*) {}));
}
// Bit 21 of the second word belongs to programs.
TEST(TensorMap, SecondWordSaysNothing) {
  expect_loaded(load([](uint64_t* map) { map[1] &= ~(uint64_t(1) << 21); }));
  expect_loaded(load([](uint64_t* map) { map[1] |= uint64_t(1) << 21; }));
}
TEST(TensorMap, Overwritten) {
  const Loaded l = load([](uint64_t* map) {
    for (int k = 2; k < 16; ++k) map[k] = 0;
  });
  EXPECT_EQ(l.faults, "misuse: the tensor map at the address given was overwritten\n");
}

}  // namespace
}  // namespace ptxrun

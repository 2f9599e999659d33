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

// ---- tensormap.replace ----

// What the instructions make of a map of 4 rows of 32 words; the faults as text.
struct Replaced {
  TensorMap map;
  std::string faults;
};
Replaced replace(const std::string& instructions) {
  Gpu gpu;
  TensorMap map;
  map.magic = kTensorMapMagic, map.rank = 2, map.element_bytes = 4, map.type = 2;
  map.box = {32, 4}, map.step = {1, 1}, map.last = {31, 3}, map.base = 4096, map.stride[0] = 128;
  std::vector<uint64_t> image(16);
  std::memcpy(image.data(), &map, sizeof map);
  const uint64_t at = gpu.put(image);
  gpu.run(module_of(".param .u64 map",
                    ".reg .b64 %m, %w;\n.reg .b32 %v;\n"
                    "ld.param.u64 %m, [map];\n" +
                        instructions + "ret;"),
          {at}, {1}, {1});
  Replaced r;
  const auto bytes = gpu.get<uint8_t>(at, 128);
  std::memcpy(&r.map, bytes.data(), sizeof r.map);
  for (const Finding& f : gpu.report.findings()) r.faults += f.what + "\n";
  return r;
}
std::string field(const std::string& name, const std::string& type, const std::string& values) {
  return "tensormap.replace.tile." + name + ".global.b1024." + type + " [%m], " + values + ";\n";
}
TEST(TensorMap, ReplacedFields) {
  const Replaced r =
      replace("mov.u64 %w, 0x12340;\nmov.u32 %v, 77;\n" + field("global_address", "b64", "%w") +
              field("rank", "b32", "2") + field("box_dim", "b32", "1, 8") +
              field("box_dim", "b32", "2, 2") + field("global_dim", "b32", "0, %v") +
              field("global_dim", "b32", "2, 5") + field("global_stride", "b64", "1, 4096") +
              field("element_stride", "b32", "2, 1") + field("elemtype", "b32", "9") +
              field("interleave_layout", "b32", "0") + field("swizzle_mode", "b32", "3") +
              field("fill_mode", "b32", "1"));
  EXPECT_EQ(r.faults, "");
  const TensorMap& m = r.map;
  EXPECT_EQ(m.base, 0x12340u);
  EXPECT_EQ(m.rank, 3);
  EXPECT_EQ(m.box[0], 32);
  EXPECT_EQ(m.box[1], 8);
  EXPECT_EQ(m.box[2], 2);
  EXPECT_EQ(m.size(0), 77u);
  EXPECT_EQ(m.size(1), 4u);
  EXPECT_EQ(m.size(2), 5u);
  EXPECT_EQ(m.stride[0], 128u);
  EXPECT_EQ(m.stride[1], 4096u);
  EXPECT_EQ(m.element_bytes, 8);
  EXPECT_EQ(m.type, 8);  // doubles
  EXPECT_EQ(m.swizzle, 3);
  EXPECT_EQ(m.nan_fill, 1);
}
TEST(TensorMap, ReplacedByWhatIsNotAllowed) {
  const auto expect = [](const std::string& instruction, const std::string& why) {
    EXPECT_EQ(replace(instruction).faults, why + "\n");
  };
  expect(field("global_address", "b64", "0x12348"),
         "tensormap.replace puts in an address that is not a multiple of 16");
  expect(field("rank", "b32", "5"), "tensormap.replace puts in a rank that is not 1 to 5");
  expect(field("box_dim", "b32", "0, 257"),
         "tensormap.replace puts in a box that is not 1 to 256 long");
  expect(field("global_stride", "b64", "0, 40"),
         "tensormap.replace puts in a stride that is not a multiple of 16");
  expect("st.global.u32 [%m], 1;\n" + field("rank", "b32", "1"),
         "there is no tensor map at the address given");
}
// A kernel makes a map of its own: shared memory, another address, a copy to global memory, a load.
TEST(TensorMap, CopiedAndUsed) {
  Gpu gpu;
  std::vector<uint32_t> words(64);
  for (uint32_t k = 0; k < 64; ++k) words[k] = 100 + k;
  TensorMap map;
  map.magic = kTensorMapMagic, map.rank = 1, map.element_bytes = 4;
  map.box[0] = 32, map.step[0] = 1, map.last[0] = 31, map.base = gpu.put(words);
  std::vector<uint64_t> image(16);
  std::memcpy(image.data(), &map, sizeof map);
  const uint64_t out = gpu.put(std::vector<uint32_t>(32)), mine = gpu.put(image);
  EXPECT_TRUE(gpu.run(
      module_of(".param .u64 map, .param .u64 mine, .param .u64 data, .param .u64 out",
                ".shared .align 128 .b8 s[128];\n.shared .align 128 .b8 copy[128];\n"
                ".shared .align 8 .b64 bar;\n.reg .b32 %s, %b, %v, %t, %c;\n"
                ".reg .b64 %m, %n, %o, %d, %x;\n.reg .pred p, q;\n"
                "ld.param.u64 %m, [map];\nld.param.u64 %n, [mine];\nld.param.u64 %d, [data];\n"
                "ld.param.u64 %o, [out];\nmov.u32 %s, s;\nmov.u32 %c, copy;\nmov.u32 %b, bar;\n"
                "mov.u32 %t, %tid.x;\nsetp.eq.u32 q, %t, 0;\nmad.wide.u32 %x, %t, 4, %m;\n"
                "ld.global.u32 %v, [%x];\nmad.lo.u32 %t, %t, 4, %c;\n"
                "st.shared.u32 [%t], %v;\nmov.u32 %t, %tid.x;\nbar.warp.sync -1;\n"
                "add.u64 %d, %d, 128;\n"
                "@q tensormap.replace.tile.global_address.shared::cta.b1024.b64 [%c], %d;\n"
                "bar.warp.sync -1;\n"
                "tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync."
                "aligned [%n], [%c], 128;\n"
                "fence.proxy.tensormap::generic.acquire.gpu [%n], 128;\n"
                "@q mbarrier.init.shared::cta.b64 [%b], 1;\nbar.sync 0;\n"
                "@q mbarrier.arrive.expect_tx.shared::cta.b64 _, [%b], 128;\n"
                "@q cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx"
                "::bytes [%s], [%n, {0}], [%b];\n"
                "AGAIN: mbarrier.try_wait.parity.shared::cta.b64 p, [%b], 0;\n@!p bra AGAIN;\n"
                "mad.lo.u32 %s, %t, 4, %s;\nmad.wide.u32 %o, %t, 4, %o;\n"
                "ld.shared.u32 %v, [%s];\nst.global.u32 [%o], %v;\nret;"),
      {gpu.put(image), mine, map.base, out}, {1}, {32}));
  EXPECT_TRUE(gpu.report.empty());
  const auto got = gpu.get<uint32_t>(out, 32);
  for (uint32_t k = 0; k < 32; ++k) EXPECT_EQ(got[k], 132 + k);
}

// A whole warp stores: once the same box from the same place, once from places that differ by lane.
TEST(TensorMap, StoresOfAWarp) {
  for (int apart : {0, 128}) {
    Gpu gpu;
    TensorMap map;
    map.magic = kTensorMapMagic, map.rank = 1, map.element_bytes = 4;
    map.box[0] = 32, map.step[0] = 1, map.last[0] = 31;
    const uint64_t out = map.base = gpu.put(std::vector<uint32_t>(32));
    std::vector<uint64_t> image(16);
    std::memcpy(image.data(), &map, sizeof map);
    EXPECT_TRUE(
        gpu.run(module_of(".param .u64 map",
                          ".shared .align 128 .b8 s[256];\n.reg .b32 %s, %x, %t;\n.reg .b64 %m;\n"
                          "ld.param.u64 %m, [map];\nmov.u32 %s, s;\nmov.u32 %t, %tid.x;\n"
                          "mad.lo.u32 %x, %t, 4, %s;\nadd.u32 %t, %t, 7;\nst.shared.u32 [%x], %t;\n"
                          "st.shared.u32 [%x+128], %t;\nfence.proxy.async;\nbar.warp.sync -1;\n"
                          "mov.u32 %t, %tid.x;\nand.b32 %t, %t, 1;\nmad.lo.u32 %s, %t, " +
                              std::to_string(apart) +
                              ", %s;\ncp.async.bulk.tensor.1d.global.shared::cta.tile.bulk_group "
                              "[%m, {0}], [%s];\ncp.async.bulk.commit_group;\n"
                              "cp.async.bulk.wait_group 0;\nret;"),
                {gpu.put(image)}, {1}, {32}));
    EXPECT_EQ(gpu.report.empty(), apart == 0);
    for (const Finding& f : gpu.report.findings()) EXPECT_EQ(f.kind, FaultKind::race);
    const auto got = gpu.get<uint32_t>(out, 32);
    for (uint32_t k = 0; k < 32; ++k) EXPECT_EQ(got[k], k + 7);
  }
}

}  // namespace
}  // namespace ptxrun

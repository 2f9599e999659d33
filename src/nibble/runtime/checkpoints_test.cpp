// Checkpoints as a whole: quantise, recognise, convert, pack.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <functional>

#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/convert.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/packed.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
using safetensors::Tensor;

constexpr WeightFormat kFormats[] = {
    WeightFormat::nvfp4,     WeightFormat::mxfp4, WeightFormat::mxfp8,  WeightFormat::fp8,
    WeightFormat::fp8_block, WeightFormat::int8,  WeightFormat::ternary};
constexpr Layout kLayouts[] = {Layout::modelopt, Layout::compressed_tensors, Layout::deepseek,
                               Layout::blocks, Layout::plain};

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

class Checkpoints : public testing::Test {
 protected:
  Checkpoints() {
    char name[] = "/tmp/nibble_checkpoints_XXXXXX";
    folder = ::mkdtemp(name);
    Random rng(7);
    for (float& x : values) x = rng.uniform(-1, 1);
    values[5] = 2688 * 0x1p-10f;  // the greatest: tensor scales are powers of two
    bytes = std::as_bytes(std::span(values));
  }
  ~Checkpoints() override { fs::remove_all(folder); }

  // [rows, cols] as layer.weight, and a vector.
  fs::path make(int64_t rows = 19, int64_t cols = 96) {
    const Tensor tensors[] = {
        {"layer.weight", DType::f32, {rows, cols}, bytes.first(size_t(rows * cols * 4))},
        {"norm.weight", DType::f32, {cols}, bytes.first(size_t(cols * 4))}};
    safetensors::write(folder / "in.safetensors", tensors);
    return folder / "in.safetensors";
  }
  std::vector<QuantiseReport> quantise_to(const fs::path& out, WeightFormat format, Layout layout,
                                          const std::string& mode = "") {
    return quantise(Source(folder / "in.safetensors"), out,
                    {.format = format, .mode = mode, .layout = layout, .include = {"*.weight"}},
                    cpu::this_machine(), nullptr);
  }

  fs::path folder;
  std::vector<float> values = std::vector<float>(160 * 320);
  std::span<const std::byte> bytes;
};

TEST(Names, GlobsMatchWholeNames) {
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("*.weight", "a.b.weight"));
  EXPECT_FALSE(matches_glob("*.weight", "a.weight_scale"));
  EXPECT_TRUE(matches_glob("a?c*e*", "abcdefeg"));
  EXPECT_FALSE(matches_glob("a?c", "ac"));
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_TRUE(matches_glob("*a*b", "aXbaab"));
}

TEST(Reciprocals, AreExactOrSaidNotToBe) {
  Random rng(1);
  int exact = 0;
  for (int i = 0; i < 10000; ++i) {
    const float s = std::ldexp(rng.uniform(1, 2), int(rng.below(60)) - 30);
    float r = 0;
    if (exact_reciprocal(s, r)) {
      EXPECT_EQ(1 / r, s);
      ++exact;
    }
    EXPECT_NEAR(double(r) * s, 1, 0x1p-23);
  }
  EXPECT_GT(exact, 5000);
  EXPECT_LT(exact, 10000);
}

// Every format in every layout that has it: recognised as what it is, and decoded to what the
// report measured.
TEST_F(Checkpoints, EveryLayoutOfEveryFormatIsRecognised) {
  make();
  int pairs = 0;
  for (WeightFormat format : kFormats)
    for (Layout layout : kLayouts) {
      const fs::path out = folder / "out.safetensors";
      fs::remove(out);
      if (!supports(layout, format)) {
        EXPECT_NE(error_of([&] { quantise_to(out, format, layout); }).find(" has no "),
                  std::string::npos);
        EXPECT_FALSE(fs::exists(out));
        continue;
      }
      SCOPED_TRACE(std::string(to_string(format)) + " " + std::string(to_string(layout)));
      const auto report = quantise_to(out, format, layout);
      const Source source(out);
      const Recognised found = recognise(source);
      ASSERT_EQ(found.weights.size(), 1u);
      EXPECT_EQ(found.others.size(), 1u);
      const QuantisedWeight& w = found.weights[0];
      EXPECT_EQ(w.encoding.format, format);
      // modelopt and compressed-tensors name the parts of mxfp8 alike.
      EXPECT_TRUE(w.layout == layout || format == WeightFormat::mxfp8);
      EXPECT_EQ(w.shape, (std::vector<int64_t>{19, 96}));
      std::vector<float> y(19 * 96);
      decode_rows(w, 0, 19, cpu::this_machine(), nullptr, y.data());
      double dd = 0, xx = 0;
      for (size_t i = 0; i < y.size(); ++i)
        dd += std::pow(double(y[i]) - values[i], 2), xx += std::pow(double(values[i]), 2);
      ASSERT_EQ(report.size(), 1u);
      EXPECT_NEAR(report[0].relative_l2, std::sqrt(dd / xx), 1e-6);
      EXPECT_LT(report[0].relative_l2, format == WeightFormat::ternary ? 0.6 : 0.2);
      ++pairs;
    }
  EXPECT_EQ(pairs, 19);
}

TEST_F(Checkpoints, RowsDecodedInPiecesAreTheSame) {
  make(160, 320);
  for (WeightFormat format : kFormats) {
    fs::remove(folder / "out.safetensors");
    quantise_to(folder / "out.safetensors", format, Layout::plain);
    const Source source(folder / "out.safetensors");
    const QuantisedWeight w = recognise(source).weights.at(0);
    std::vector<float> whole(160 * 320), pieces(160 * 320);
    decode_rows(w, 0, 160, cpu::this_machine(), nullptr, whole.data());
    decode_rows(w, 0, 128, cpu::this_machine(), nullptr, pieces.data());
    decode_rows(w, 128, 160, cpu::this_machine(), nullptr, pieces.data() + 128 * 320);
    EXPECT_EQ(whole, pieces) << to_string(format);
  }
}

TEST_F(Checkpoints, ThreadsDoNotChangeTheFile) {
  make(160, 320);
  const Source source(folder / "in.safetensors");
  const auto pool = cpu::make_pool(3);
  for (WeightFormat format : kFormats) {
    const QuantiseOptions options{
        .format = format, .layout = Layout::plain, .include = {"*.weight"}};
    const fs::path one = folder / "one.safetensors", three = folder / "three.safetensors";
    const auto a = quantise(source, one, options, cpu::this_machine(), nullptr);
    const auto b = quantise(source, three, options, cpu::this_machine(), pool.get());
    EXPECT_EQ(read_file(one), read_file(three)) << to_string(format);
    EXPECT_EQ(a[0].relative_l2, b[0].relative_l2);
    fs::remove(one), fs::remove(three);
  }
}

// There and back again is the same file, byte for byte, where both layouts have the format.
TEST_F(Checkpoints, ConversionLosesNothing) {
  make();
  int trips = 0;
  for (WeightFormat format : kFormats)
    for (Layout from : kLayouts)
      for (Layout to : kLayouts) {
        if (!supports(from, format) || from == to) continue;
        const fs::path a = folder / "a.safetensors", b = folder / "b.safetensors",
                       c = folder / "c.safetensors";
        for (const fs::path& p : {a, b, c}) fs::remove(p);
        quantise_to(a, format, from);
        if (!supports(to, format)) {
          EXPECT_NE(error_of([&] { convert(Source(a), b, {.layout = to}); }).find(" has no "),
                    std::string::npos);
          EXPECT_FALSE(fs::exists(b));
          continue;
        }
        SCOPED_TRACE(std::string(to_string(format)) + " " + std::string(to_string(from)) + " to " +
                     std::string(to_string(to)));
        convert(Source(a), b, {.layout = to});
        convert(Source(b), c, {.layout = from});
        const Source first(a), last(c);
        for (const SourceTensor& t : first.tensors()) {
          const SourceTensor* u = last.find(t.copy.name);
          ASSERT_NE(u, nullptr) << t.copy.name;
          EXPECT_EQ(u->copy.shape, t.copy.shape);
          EXPECT_EQ(u->copy.type, t.copy.type);
          EXPECT_TRUE(std::equal(t.data.begin(), t.data.end(), u->data.begin(), u->data.end()));
        }
        ++trips;
      }
  EXPECT_EQ(trips, 38);
}

TEST_F(Checkpoints, InexactTensorScalesAreRefusedOrCounted) {
  for (float& x : values) x *= 0.73f;  // S = 2688 / amax has no float for its reciprocal
  make();
  quantise_to(folder / "a.safetensors", WeightFormat::nvfp4, Layout::compressed_tensors);
  const Source source(folder / "a.safetensors");
  float r = 0;
  const bool exact = exact_reciprocal(recognise(source).weights[0].stored_tensor_scale(), r);
  const auto go = [&](bool round) {
    return convert(source, folder / "b.safetensors",
                   {.layout = Layout::modelopt, .round_scales = round});
  };
  if (!exact) {
    EXPECT_NE(error_of([&] { go(false); }).find("--round-scales takes the nearest"),
              std::string::npos);
  }
  EXPECT_EQ(go(true).rounded, exact ? 0 : 1);
}

TEST_F(Checkpoints, QuantiseRefusesWhatItCannotDo) {
  make(4, 40);
  const fs::path out = folder / "out.safetensors";
  EXPECT_EQ(error_of([&] { quantise_to(out, WeightFormat::nvfp4, Layout::modelopt); }),
            "tensor \"layer.weight\" cannot be nvfp4: its rows have 40 elements, and nvfp4 has "
            "blocks of 16; leave it out with --exclude");
  EXPECT_NE(error_of([&] {
              quantise_to(out, WeightFormat::int8, Layout::plain, "te");
            }).find("int8 has no mode 'te': row are known"),
            std::string::npos);
  values[3] = NAN;
  make();
  EXPECT_EQ(error_of([&] { quantise_to(out, WeightFormat::nvfp4, Layout::modelopt); }),
            "tensor \"layer.weight\" holds a NaN or an infinity: leave it out with --exclude");
  EXPECT_FALSE(fs::exists(out));
  values[3] = 0;
  make();
  write_file(out, "here");
  EXPECT_NE(error_of([&] {
              quantise_to(out, WeightFormat::nvfp4, Layout::modelopt);
            }).find("is there already"),
            std::string::npos);
  EXPECT_EQ(read_file(out), "here");
}

TEST_F(Checkpoints, Mxfp8MayHaveE5m2Elements) {
  make();
  const fs::path out = folder / "a.safetensors";
  EXPECT_EQ(
      error_of([&] { quantise_to(out, WeightFormat::mxfp8, Layout::modelopt, "floor-e5m2"); }),
      "mxfp8 of e5m2 elements is kept by the layout plain alone");
  const auto report = quantise_to(out, WeightFormat::mxfp8, Layout::plain, "floor-e5m2");
  const Source source(out);
  const QuantisedWeight w = recognise(source).weights.at(0);
  EXPECT_EQ(w.encoding.element, MxFormat::e5m2);
  std::vector<float> y(19 * 96);
  decode_rows(w, 0, 19, cpu::this_machine(), nullptr, y.data());
  double dd = 0, xx = 0;
  for (size_t i = 0; i < y.size(); ++i)
    dd += std::pow(double(y[i]) - values[i], 2), xx += std::pow(double(values[i]), 2);
  EXPECT_NEAR(report.at(0).relative_l2, std::sqrt(dd / xx), 1e-6);
  EXPECT_LT(report[0].relative_l2, 0.08);  // two fraction bits: about 5 %
}

TEST_F(Checkpoints, F4IsTwoCodesAByte) {
  make();
  quantise_to(folder / "a.safetensors", WeightFormat::nvfp4, Layout::modelopt);
  const safetensors::Reader reader(folder / "a.safetensors");
  std::vector<Tensor> tensors(reader.tensors().begin(), reader.tensors().end());
  for (Tensor& t : tensors)
    if (t.name == "layer.weight") t.stored = "F4", t.shape.back() *= 2;
  safetensors::write(folder / "b.safetensors", tensors);
  const Source a(folder / "a.safetensors"), b(folder / "b.safetensors");
  std::vector<float> x(19 * 96), y(19 * 96);
  decode_rows(recognise(a).weights.at(0), 0, 19, cpu::this_machine(), nullptr, x.data());
  decode_rows(recognise(b).weights.at(0), 0, 19, cpu::this_machine(), nullptr, y.data());
  EXPECT_EQ(x, y);
}

TEST_F(Checkpoints, MissingPartsAreNamed) {
  const uint8_t zeros[64] = {};
  const auto data = std::as_bytes(std::span(zeros));
  const auto why = [&](std::vector<Tensor> tensors) {
    safetensors::write(folder / "x.safetensors", tensors);
    const Source source(folder / "x.safetensors");
    return error_of([&] { recognise(source); });
  };
  const Tensor codes = {"p.weight", DType::u8, {4, 16}, data};
  EXPECT_EQ(why({codes, {"p.weight_scale_2", DType::f32, {}, data.first(4)}}),
            "tensor \"p.weight\" has no scales: \"p.weight_scale\" is missing");
  EXPECT_EQ(why({codes, {"p.weight_scale", DType::e4m3, {4, 2}, data.first(8)}}),
            "tensor \"p.weight\" has block scales of NVFP4 and no \"p.weight_scale_2\"");
  EXPECT_EQ(why({codes, {"p.weight_scale", DType::e4m3, {4, 3}, data.first(12)}}),
            "tensors \"p.weight\" U8 [4,16] and \"p.weight_scale\" F8_E4M3 [4,3] are codes and "
            "scales of no known format: their dtypes or shapes do not fit");
  EXPECT_EQ(why({{"p.weight_packed", DType::u8, {4, 16}, data}}),
            "tensor \"p.weight_packed\" has no scales: \"p.weight_scale\" is missing");
  EXPECT_EQ(why({codes,
                 {"p.weight_scale", DType::e4m3, {4, 2}, data.first(8)},
                 {"p.weight_scale_2", DType::f32, {2}, data.first(8)}}),
            "tensor \"p.weight_scale_2\" F32 [2] must be one F32: it is a tensor scale");
  EXPECT_EQ(why({codes}), "no error");
}

TEST_F(Checkpoints, PanelsUnpackToTheSameBytes) {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{19, 96}, {1, 32}, {33, 160}}) {
    make(n, k);
    for (WeightFormat format : kFormats)
      for (int rows : {8, 16})
        for (bool cache : {false, true}) {
          const fs::path out = folder / "out.safetensors";
          fs::remove(out);
          quantise_to(out, format, Layout::plain);
          const PackedWeights packed(out, {.rows = rows, .cache = cache});
          const QuantisedWeight w = recognise(packed.source()).weights.at(0);
          const PackedWeight& p = packed.weights()[0];
          const Parts parts = parts_of(w.encoding, n, k);
          ASSERT_EQ(int64_t(p.panels.size()), p.layout.bytes(n, k));
          EXPECT_EQ(reinterpret_cast<uintptr_t>(p.panels.data()) % (rows == 16 ? 64 : 32), 0u);
          std::vector<uint8_t> codes(w.codes->data.size()), scales(w.scales->data.size());
          unpack_rows(p, 0, n, codes.data(), scales.data());
          EXPECT_EQ(std::memcmp(codes.data(), w.codes->data.data(), codes.size()), 0)
              << to_string(format);
          const void* kept =
              p.layout.block > 0 ? static_cast<const void*>(scales.data()) : p.scales.data();
          EXPECT_EQ(std::memcmp(kept, w.scales->data.data(), scales.size()), 0);
          EXPECT_EQ(p.multiplier, w.multiplier());
          // An element where the layout says that it is.
          const int64_t r = n - 1, c = k - 1;
          const auto* tile = p.panels.data() + r / rows * p.layout.panel_bytes(k) +
                             c / p.layout.tile_k() * p.layout.tile_bytes();
          const int in_tile = int(c % p.layout.tile_k());
          const int code =
              std::to_integer<int>(tile[p.layout.code_offset(int(r % rows), in_tile)]) >>
                  p.layout.code_shift(in_tile) &
              ((1 << p.layout.code_bits()) - 1);
          const int per_byte = 8 / p.layout.code_bits();
          EXPECT_EQ(code, codes[size_t(r * parts.code_cols + c / per_byte)] >>
                                  c % per_byte * p.layout.code_bits() &
                              ((1 << p.layout.code_bits()) - 1));
          fs::remove(PackedWeights::cache_path(packed.source(), rows));
        }
  }
}

TEST_F(Checkpoints, PanelsInBase3UnpackToTheSameBytes) {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{19, 96}, {1, 3}, {33, 160}, {16, 21}}) {
    make(n, k);
    for (int rows : {8, 16})
      for (bool cache : {false, true}) {
        const fs::path out = folder / "out.safetensors";
        fs::remove(out);
        quantise_to(out, WeightFormat::ternary, Layout::plain, "base3");
        const PackedWeights packed(out, {.rows = rows, .cache = cache});
        const QuantisedWeight w = recognise(packed.source()).weights.at(0);
        const PackedWeight& p = packed.weights()[0];
        const Base3Panel l{rows};
        ASSERT_EQ(int64_t(p.panels.size()), l.bytes(n, k));
        std::vector<uint8_t> codes(w.codes->data.size());
        unpack_rows(p, 0, n, codes.data(), nullptr);
        EXPECT_EQ(std::memcmp(codes.data(), w.codes->data.data(), codes.size()), 0);
        EXPECT_EQ(std::memcmp(p.scales.data(), w.scales->data.data(), sizeof(float)), 0);
        // Every weight where the layout says that it is, and weights 0 around them.
        for (int64_t r = 0; r < l.panels(n) * rows; ++r)
          for (int64_t c = 0; c < l.tiles(k) * l.tile_k(); ++c) {
            const auto* tile = reinterpret_cast<const uint8_t*>(p.panels.data()) +
                               r / rows * l.panel_bytes(k) + c / l.tile_k() * l.tile_bytes();
            const bool there = r < n && c < k;
            const uint8_t byte =
                there ? codes[size_t(r * ternary_row_bytes(TernaryPacking::base3, k) + c / 5)] : 0;
            ASSERT_EQ(l.weight_at(tile, int(r % rows), int(c % l.tile_k())),
                      there ? base3_at(byte, int(c % 5)) : 0)
                << r << " " << c;
          }
        fs::remove(PackedWeights::cache_path(packed.source(), rows));
      }
  }
}

TEST_F(Checkpoints, CachedPanelsAreMadeOnceAndAnewWhenTheyMust) {
  make();
  const fs::path out = folder / "out.safetensors", cache = folder / "out.safetensors.panels16";
  quantise_to(out, WeightFormat::nvfp4, Layout::modelopt);
  const auto was_cached = [&] { return PackedWeights(out, {.cache = true}).was_cached(); };
  EXPECT_FALSE(was_cached());
  EXPECT_TRUE(was_cached());
  const std::string pack = read_file(cache);
  write_file(cache, pack.substr(0, pack.size() / 2));  // damaged
  EXPECT_FALSE(was_cached());
  EXPECT_EQ(read_file(cache), pack);
  fs::last_write_time(out, fs::last_write_time(out) + std::chrono::seconds(1));  // changed
  EXPECT_FALSE(was_cached());
  EXPECT_FALSE(PackedWeights(out, {.rows = 8, .cache = true}).was_cached());
  EXPECT_TRUE(was_cached());
}

// A process that is killed while it packs leaves nothing that stops the next one.
TEST_F(Checkpoints, AKilledPackerLeavesNoLock) {
  make(160, 320);
  const fs::path out = folder / "out.safetensors";
  quantise_to(out, WeightFormat::nvfp4, Layout::modelopt);
  const pid_t child = ::fork();
  if (child == 0) {
    const FileLock lock(out);
    write_file(folder / "locked", "");
    for (;;) ::pause();
  }
  while (!fs::exists(folder / "locked")) ::usleep(1000);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  write_file(folder / "out.safetensors.panels16.tmp", "half a pack");
  EXPECT_FALSE(PackedWeights(out, {.cache = true}).was_cached());
  EXPECT_TRUE(PackedWeights(out, {.cache = true}).was_cached());
}

// Whatever is done to a quantised checkpoint, it is refused with one line or read within bounds.
TEST_F(Checkpoints, SurviveTwoHundredMutations) {
  make();
  std::vector<std::string> good;
  for (WeightFormat format : kFormats) {
    fs::remove(folder / "out.safetensors");
    quantise_to(folder / "out.safetensors", format, usual_layout(format));
    good.push_back(read_file(folder / "out.safetensors"));
  }
  Random rng(3);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    std::string file = good[size_t(i) % good.size()];
    const size_t header = std::min(file.size(), size_t(700));
    for (uint64_t edits = 1 + rng.below(2); edits > 0; --edits) {
      const size_t at = rng.below(header);
      if (rng.below(4) == 0)
        file[at] = char('0' + rng.below(10));
      else if (rng.below(4) == 0)
        file.resize(std::max(at, size_t(1)));
      else
        file[at] = char(rng.next32());
      if (file.size() < header) break;
    }
    const fs::path path = folder / "mutated.safetensors", out = folder / "converted.safetensors";
    write_file(path, file);
    const std::string why = error_of(
        [&] { convert(Source(path), out, {.layout = Layout::plain, .round_scales = true}); });
    EXPECT_EQ(fs::exists(out), why == "no error") << why;
    for (const std::string& said : {why, error_of([&] { PackedWeights packed(path, {}); })})
      EXPECT_EQ(said.find('\n'), std::string::npos);
    refused += why != "no error";
    fs::remove(out);
  }
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace nibble

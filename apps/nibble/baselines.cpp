#include "baselines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>

namespace nibble::app {
namespace {

using nlohmann::json;

// The objects that the program prints, one a line.
std::vector<json> ask(const std::string& program, const std::string& arguments) {
  const std::string command = "'" + program + "' " + arguments;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<json> all;
  std::string line;
  for (int c; pipe && (c = std::fgetc(pipe.get())) != EOF;) {
    if (c != '\n') {
      line += char(c);
    } else if (auto j = json::parse(line, nullptr, false); line.clear(), j.is_object()) {
      all.push_back(std::move(j));
    }
  }
  return all;
}

// Which types of a peer an op is compared with: its own where a peer has it, so ggml's formats of
// as many bits, whose blocks and rows of activations have scales of their own. Ops of few bits are
// held against bytes too, which take the same multipliers, and against bf16, which takes no
// quantisation.
std::vector<std::pair<std::string, std::string>> counterparts(const std::string& op) {
  if (op == "gemm_f32") return {{"oneDNN", "f32"}, {"OpenBLAS", "f32"}};
  if (op == "gemm_bf16" || op == "gemm_fp16") return {{"oneDNN", "bf16"}, {"OpenBLAS", "f32"}};
  if (op == "gemm_int8_s8" || op == "gemm_s8")
    return {{"oneDNN", "u8s8s32"}, {"oneDNN", "s8s8s32"}, {"ggml", "q8_0"}};
  std::vector<std::pair<std::string, std::string>> all = {{"oneDNN", "u8s8s32"},
                                                          {"oneDNN", "bf16"}};
  if (op.starts_with("gemm_nvfp4")) all.insert(all.end(), {{"ggml", "nvfp4"}, {"ggml", "q4_0"}});
  if (op.starts_with("gemm_mxfp4")) all.emplace_back("ggml", "mxfp4");
  if (op.starts_with("gemm_fp8")) all.emplace_back("ggml", "q8_0");
  if (op.starts_with("gemm_ternary")) all.emplace_back("ggml", "tq2_0");
  return all;
}

}  // namespace

Baselines::Baselines() {
  std::error_code none;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", none);
  program_ = (self.parent_path() / "nibble_baselines").string();
  if (!std::filesystem::exists(program_, none)) {
    absent_.push_back("oneDNN, OpenBLAS, ggml: this build has no nibble_baselines beside nibble");
    return;
  }
  for (const json& peer : ask(program_, "--list")) {
    const std::string name = peer.value("peer", ""), why = peer.value("absent", "");
    if (why.empty())
      peers_.push_back(name);
    else
      absent_.push_back(name + ": " + why);
  }
}

std::vector<BaselineResult> Baselines::compare(const harness::BenchResult& r,
                                               double seconds) const {
  static const std::regex shape("m(\\d+)_n(\\d+)_k(\\d+)$");
  std::smatch mnk;
  // A dual GEMM is two products, and no peer has it.
  if (!std::regex_search(r.case_name, mnk, shape) || r.op.starts_with("dual_")) return {};
  std::vector<BaselineResult> all;
  for (const auto& [peer, type] : counterparts(r.op)) {
    if (std::find(peers_.begin(), peers_.end(), peer) == peers_.end()) continue;
    const std::string arguments =
        fmt::format("{} {} {} {} {} {} {} {}", peer, type, mnk[1].str(), mnk[2].str(), mnk[3].str(),
                    r.threads, r.cold ? "cold" : "hot", seconds);
    for (const json& j : ask(program_, arguments)) {
      BaselineResult b{.id = r.id, .op = r.op, .case_name = r.case_name};
      b.peer = peer, b.type = type, b.version = j.value("version", "");
      b.kernel = j.value("kernel", ""), b.threads = r.threads;
      b.median_us = j.value("median_us", 0.0), b.gop_per_s = j.value("gop_per_s", 0.0);
      b.ratio = b.median_us / r.median_us;
      all.push_back(std::move(b));
    }
  }
  return all;
}

std::string to_json(const BaselineResult& b) {
  nlohmann::ordered_json j{{"peer", b.peer},
                           {"version", b.version},
                           {"type", b.type},
                           {"kernel", b.kernel},
                           {"op", b.op},
                           {"case", b.case_name},
                           {"threads", b.threads},
                           {"median_us", b.median_us},
                           {"gop_per_s", b.gop_per_s},
                           {"ratio", b.ratio}};
  if (!b.id.empty()) j["beside"] = b.id;
  return j.dump();
}

std::string to_sentence(const BaselineResult& b) {
  return fmt::format("{} {} {} ({}) on {} thread{}: {:.2f} us, {:.1f} GOP/s: ratio {:.2f}\n",
                     b.peer, b.version, b.type, b.kernel, b.threads, b.threads == 1 ? "" : "s",
                     b.median_us, b.gop_per_s, b.ratio);
}

}  // namespace nibble::app

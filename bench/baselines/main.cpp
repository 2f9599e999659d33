// nibble_baselines --list
// nibble_baselines PEER TYPE M N K THREADS hot|cold SECONDS
//
// Times one product of a peer as `nibble bench` times its own: checked first, the median of samples
// of 20 us or more, cold weights from a gibibyte of copies. One object of JSON a line.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>

#include "nibble/cpu/detect.h"
#include "nibble/harness/sampler.h"
#include "nibble/harness/statistics.h"
#include "peers.h"

namespace nibble::baselines {

namespace {

using nlohmann::ordered_json;

int one(int64_t) { return 1; }
int of_a_gibibyte(int64_t bytes) { return int(((1 << 30) - 1) / bytes) + 2; }

// The elements of a few rows and columns, corners among them, against sums of integers.
bool right(const Product& product, const Problem& p) {
  for (const int i : {0, p.m / 2, p.m - 1})
    for (const int j : {0, 1, p.n / 2, p.n - 1}) {
      double want = 0;
      for (int k = 0; k < p.k; ++k) want += product.x(i, k) * product.w(j, k);
      if (product.y(i, j) != want) return false;
    }
  return true;
}

// Kernels of an old CPU on a new one would be no comparison, whether OpenBLAS took them because it
// does not know the CPU or because its environment says so, which it reads before main(): first it
// chooses by itself, then it is told.
void choose_openblas_kernels(char** argv) {
  if (getenv("NIBBLE_BASELINES_CLEAN") == nullptr) {
    for (const char* setting : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}) unsetenv(setting);
    setenv("NIBBLE_BASELINES_CLEAN", "1", 1);
    execv("/proc/self/exe", argv);
  }
  const Machine& machine = cpu::this_machine();
  const bool avx512 = machine.has(Isa::avx512);
  if (getenv("OPENBLAS_CORETYPE") != nullptr || !machine.has(Isa::avx2)) return;
  if (!openblas_is_lost(avx512)) return;
  setenv("OPENBLAS_CORETYPE", avx512 ? "SkylakeX" : "Haswell", 1);
  execv("/proc/self/exe", argv);
}

void list() {
  for (const Peer& peer : {onednn(), openblas(), ggml()})
    fmt::print("{}\n", ordered_json{{"peer", peer.name},
                                    {"version", peer.version},
                                    {"types", peer.types},
                                    {"absent", peer.absent}}
                           .dump());
}

int time_one(char** argv) {
  const std::string name = argv[1], type = argv[2];
  const Problem p{std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5]), std::atoi(argv[6])};
  const bool cold = std::string(argv[7]) == "cold";
  const double seconds = std::atof(argv[8]);
  if (p.m < 1 || p.n < 1 || p.k < 1 || p.threads < 1 || !(seconds > 0))
    return fmt::print(stderr, "M, N, K, THREADS and SECONDS must be positive\n"), 2;
  for (const Peer& peer : {onednn(), openblas(), ggml()}) {
    if (peer.name != name || peer.make == nullptr) continue;
    if (name == "OpenBLAS") choose_openblas_kernels(argv);
    const auto copies = cold ? of_a_gibibyte : one;
    const Product product = peer.make(type, p, copies);
    const int number = copies(product.weight_bytes);
    int next = 0;
    const harness::Arm arm{.call = [&] { product.run(next = (next + 1) % number); }};
    arm.call();
    if (!right(product, p)) return fmt::print(stderr, "{} {} is wrong\n", name, type), 1;
    const harness::Sampling sampling{.time_us = seconds * 1e6};
    const auto samples = harness::sample({&arm, 1}, sampling, harness::steady_now_us).front();
    const double us = harness::median(samples.us);
    if (!right(product, p)) return fmt::print(stderr, "{} {} is wrong\n", name, type), 1;
    const double ops = 2.0 * p.m * p.n * p.k;
    fmt::print("{}\n", ordered_json{{"peer", name},
                                    {"version", peer.version},
                                    {"type", type},
                                    {"kernel", product.kernel},
                                    {"threads", p.threads},
                                    {"median_us", us},
                                    {"reps", samples.us.size()},
                                    {"gb_per_s", double(product.weight_bytes) / us * 1e-3},
                                    {"gop_per_s", ops / us * 1e-3}}
                           .dump());
    return 0;
  }
  return fmt::print(stderr, "there is no peer {} here: --list says why\n", name), 77;
}

}  // namespace
}  // namespace nibble::baselines

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::string(argv[1]) == "--list") return nibble::baselines::list(), 0;
    if (argc == 9) return nibble::baselines::time_one(argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
  fmt::print(stderr, "nibble_baselines PEER TYPE M N K THREADS hot|cold SECONDS, or --list\n");
  return 2;
}

#include "nibble/cpu/detect.h"

#include <sched.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace nibble::cpu {
namespace {

#if defined(__x86_64__)

struct Regs {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Regs cpuid(unsigned leaf, unsigned sub = 0) {
  Regs r;
  if (__get_cpuid_max(leaf & 0x80000000u, nullptr) < leaf) return r;
  __cpuid_count(leaf, sub, r.a, r.b, r.c, r.d);
  return r;
}

uint64_t xcr0() {
  unsigned lo, hi;
  __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return uint64_t(hi) << 32 | lo;
}

bool bits(unsigned reg, std::initializer_list<int> wanted) {
  for (int bit : wanted)
    if (!(reg >> bit & 1)) return false;
  return true;
}

IsaSet detect_isas() {
  const Regs l1 = cpuid(1), l7 = cpuid(7), l7_1 = cpuid(7, 1), ext = cpuid(0x80000001u);
  IsaSet s;
  if (!bits(l1.c, {27, 28})) return s;  // OSXSAVE, AVX
  const uint64_t saved = xcr0();
  const bool ymm = (saved & 0x06) == 0x06, zmm = (saved & 0xe6) == 0xe6;
  const bool avx2 = ymm && bits(l1.c, {12, 23, 29}) && bits(l7.b, {3, 5, 8}) && bits(ext.c, {5});
  if (!avx2) return s;
  s = s | Isa::avx2;
  if (bits(l7_1.a, {4})) s = s | Isa::avx_vnni;
  if (!zmm || !bits(l7.b, {16, 17, 28, 30, 31})) return s;
  s = s | Isa::avx512;
  if (bits(l7.c, {1, 11})) s = s | Isa::vnni;
  if (bits(l7_1.a, {5})) s = s | Isa::bf16;
  if (bits(l7.d, {23})) s = s | Isa::fp16;
  return s;
}

MicroArch detect_uarch() {
  const Regs l0 = cpuid(0), l1 = cpuid(1);
  int family = l1.a >> 8 & 15, model = l1.a >> 4 & 15;
  if (family == 15) family += l1.a >> 20 & 255;
  model |= (l1.a >> 16 & 15) << 4;
  if (l0.b == 0x756e6547) {  // GenuineIntel
    switch (model) {
      case 0x55:
        return MicroArch::skylake_x;
      case 0x6a:
      case 0x6c:
        return MicroArch::ice_lake;
      case 0x8f:
      case 0xcf:
      case 0xad:
      case 0xae:
        return MicroArch::sapphire_rapids;
      default:
        return MicroArch::unknown;
    }
  }
  if (l0.b == 0x68747541) {  // AuthenticAMD
    if (family == 0x1a) return MicroArch::zen5;
    if (family == 0x19)
      return (model >= 0x10 && model <= 0x1f) || (model >= 0x60 && model <= 0xaf) ? MicroArch::zen4
                                                                                  : MicroArch::zen3;
  }
  return MicroArch::unknown;
}

#else

IsaSet detect_isas() { return Isa::portable; }
MicroArch detect_uarch() { return MicroArch::unknown; }

#endif

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

int64_t parse_size(const std::string& text) {  // "32K", "1024K", "36M"
  if (text.empty() || text[0] < '0' || text[0] > '9') return 0;
  size_t end = 0;
  const int64_t n = std::stoll(text, &end);
  if (end < text.size() && text[end] == 'K') return n << 10;
  if (end < text.size() && text[end] == 'M') return n << 20;
  return n;
}

void detect_caches(Machine& m) {
  for (int i = 0; i < 8; ++i) {
    const std::string dir = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string level = first_line(dir + "level"), type = first_line(dir + "type");
    if (level.empty()) break;
    const int64_t size = parse_size(first_line(dir + "size"));
    if (size == 0 || type == "Instruction") continue;
    if (level == "1") m.l1d_bytes = size;
    if (level == "2") m.l2_bytes = size;
    if (level == "3") m.l3_bytes = size;
  }
}

std::string model_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0) {
      const size_t colon = line.find(": ");
      return colon == std::string::npos ? line : line.substr(colon + 2);
    }
  return "unknown";
}

Machine detect() {
  Machine m;
  m.isas = detect_isas();
  m.uarch = detect_uarch();
  cpu_set_t set;
  m.cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  detect_caches(m);
  m.page_bytes = sysconf(_SC_PAGESIZE);
  const std::string thp = first_line("/sys/kernel/mm/transparent_hugepage/enabled");
  m.transparent_huge_pages =
      thp.find("[always]") != std::string::npos || thp.find("[madvise]") != std::string::npos;
  m.memory_bytes = int64_t(sysconf(_SC_PHYS_PAGES)) * m.page_bytes;
  m.cpu_model = model_name();
  return m;
}

}  // namespace

const Machine& this_machine() {
  static const Machine machine = detect();
  return machine;
}

}  // namespace nibble::cpu

// A proof is a recorded run in which a variant agreed with its reference. Selection takes proofs as
// data; the build compiles the fresh ones in from bench/proofs/<op>.jsonl.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace nibble {

// compiled: it builds. emulated: ran under an emulator of the ISA (qemu). executed: ran on a CPU
// that has the ISA, or its PTX was executed on the CPU. proven: ran on the device it is written
// for; for a CPU variant executed and proven coincide, and proven is recorded.
enum class Level : uint8_t { none, compiled, emulated, executed, proven };
std::string_view to_string(Level);
bool parse_level(std::string_view, Level&);

struct Proof {
  std::string_view op, variant;
  Level level = Level::none;
  std::string_view ran_on;  // CPU model or device
};

inline Level level_of(std::string_view op, std::string_view variant,
                      std::span<const Proof> proofs) {
  Level best = Level::compiled;
  for (const Proof& p : proofs)
    if (p.op == op && p.variant == variant && p.level > best) best = p.level;
  return best;
}

// Proofs whose source hash matched when this library was built.
std::span<const Proof> compiled_proofs();

// The hash of the sources that a variant was built from, as 16 hex digits; empty if unknown.
std::string_view source_hash(std::string_view op, std::string_view variant);

}  // namespace nibble

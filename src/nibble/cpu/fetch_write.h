// Asking early for lines that are written. A store to a line which this core does not own waits
// until the others have given it up, and those behind it wait, too; to have fetched it for reading
// does not help. Where few stores follow much arithmetic all can be asked for in time.
#pragma once

namespace nibble::cpu {
namespace {

// Nothing is touched: p may lie anywhere. By name, because a compiler makes a prefetch to read of
// __builtin_prefetch(p, 1) unless a flag allows prefetchw, which all x86-64 take, some as nothing;
// and GCC 12 leaves out calls of functions that do nothing else.
[[maybe_unused, gnu::always_inline]] inline void fetch_write(const void* p) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*static_cast<const char*>(p)));
#else
  __builtin_prefetch(p, 1);
#endif
}

}  // namespace
}  // namespace nibble::cpu
